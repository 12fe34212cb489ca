"""Rules of contacts and approvers: one form of each destination, what a change replaces, who may be a second person."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import OpenError
from services.identity.contact_keys import ContactKeys
from services.identity.domain.approver import Approver, check_profile, check_room, check_second
from services.identity.domain.contact import (
    Channel,
    Contact,
    ContactRole,
    mask,
    normalize,
    owner_contact_id,
    same_destination,
)
from services.identity.domain.contact_change import ContactChange, replaced_by
from services.identity.domain.profile import Profile

NOW = datetime(2030, 1, 1, tzinfo=UTC)
CHANNELS = st.sampled_from(Channel)
LOCAL = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=20)


@given(CHANNELS, st.text(max_size=254))
def test_any_text_is_a_destination_in_its_one_form_or_refused(channel: Channel, text: str) -> None:
    try:
        normal = normalize(channel, text)
    except ServiceError:
        with pytest.RaisesExc(ServiceError, check=_names_the_field):
            raise
        return
    assert normalize(channel, normal) == normal
    assert normal not in mask(channel, normal)


def _names_the_field(error: ServiceError) -> bool:
    return error.reason is ErrorReason.INVALID_FIELD and [each.field for each in error.fields] == ["destination"]


@given(LOCAL, LOCAL)
def test_two_addresses_are_one_mailbox_whatever_their_capitals(local: str, other: str) -> None:
    one, two = f"{local}@example.com", f"{other}@example.com"
    assert same_destination(Channel.EMAIL, one, one.swapcase())
    assert same_destination(Channel.EMAIL, one, two) == (local.lower() == other.lower())
    assert same_destination(Channel.EMAIL, one, two) == same_destination(Channel.EMAIL, two, one)


@pytest.mark.parametrize("channel", Channel)
def test_what_is_sealed_for_a_contact_opens_for_that_contact_alone(channel: Channel) -> None:
    keys, account_id, contact_id = ContactKeys([b"k" * 32]), uuid4(), uuid4()
    sealed = keys.seal("carl@example.org", account_id=account_id, channel=channel, contact_id=contact_id)
    assert keys.open(sealed, account_id=account_id, channel=channel, contact_id=contact_id) == "carl@example.org"
    for other in (None, uuid4(), account_id):
        with pytest.raises(OpenError):
            keys.open(sealed, account_id=account_id, channel=channel, contact_id=other)
    owners = keys.seal("ada@example.com", account_id=account_id, channel=channel)
    with pytest.raises(OpenError):
        keys.open(owners, account_id=account_id, channel=channel, contact_id=contact_id)


def test_the_owners_contact_has_an_id_of_its_own_for_each_account_and_channel() -> None:
    accounts = [uuid4(), uuid4()]
    ids = {owner_contact_id(account_id, channel) for account_id in accounts for channel in Channel}
    assert len(ids) == 4
    assert owner_contact_id(accounts[0], Channel.EMAIL) in ids


def present(destination: str, *, verified: bool = True, role: ContactRole = ContactRole.OWNER) -> Contact:
    """A contact as it stands."""
    return Contact(contact_id=uuid4(), channel=Channel.EMAIL, destination=destination, verified=verified, role=role)


@pytest.mark.parametrize(
    ("before", "former"),
    [
        (None, ""),
        (present("ada@old.example", verified=False), ""),
        (present("Ada@NEW.example".lower()), ""),
        (present("ada@old.example"), "ada@old.example"),
    ],
    ids=["nothing", "unproved", "the same", "another"],
)
def test_a_change_replaces_only_what_was_proved_and_is_another(before: Contact | None, former: str) -> None:
    change = ContactChange(
        account_id=uuid4(),
        contact_id=uuid4(),
        channel=Channel.EMAIL,
        destination="ada@new.example",
        create_time=NOW,
    )
    assert replaced_by(change, before) == former


def test_destinations_and_names_do_not_show_in_a_repr() -> None:
    change = ContactChange(
        account_id=uuid4(), contact_id=uuid4(), channel=Channel.EMAIL, destination="ada@new.example", create_time=NOW
    )
    approver = Approver(
        account_id=uuid4(),
        approver_id=uuid4(),
        name="Carl",
        channel=Channel.EMAIL,
        destination="carl@example.org",
        profile_id=None,
        verified=True,
        create_time=NOW,
    )
    for record in (change, approver, approver.contact):
        assert "example" not in repr(record)
        assert "Carl" not in repr(record)
    assert (approver.contact.role, approver.contact.contact_id) == (ContactRole.APPROVER, approver.approver_id)


def profile(*, primary: bool = False, kids: bool = False, moved_to: UUID | None = None) -> Profile:
    """A viewer."""
    return Profile(
        profile_id=uuid4(),
        account_id=uuid4(),
        name="Carl",
        maturity_age=18,
        primary=primary,
        kids=kids,
        moved_to=moved_to,
    )


@pytest.mark.parametrize(
    ("viewer", "reason"),
    [
        (None, ErrorReason.NOT_FOUND),
        (profile(moved_to=uuid4()), ErrorReason.NOT_FOUND),
        (profile(kids=True), ErrorReason.INVALID_FIELD),
        (profile(primary=True), ErrorReason.INVALID_FIELD),
    ],
    ids=["none", "moved away", "a child's", "the owner's"],
)
def test_an_approvers_profile_is_another_adults(viewer: Profile | None, reason: ErrorReason) -> None:
    with pytest.raises(ServiceError) as caught:
        check_profile(viewer)
    assert caught.value.reason is reason
    check_profile(profile())


def test_an_approver_is_a_second_person() -> None:
    reached = [present("ada@example.com"), present("carl@example.org", role=ContactRole.APPROVER)]
    for taken in ("ADA@example.com", "carl@EXAMPLE.org"):
        with pytest.raises(ServiceError) as caught:
            check_second(Channel.EMAIL, taken, reached)
        assert caught.value.fields[0].field == "destination"
        assert taken not in str(caught.value)
    check_second(Channel.EMAIL, "dora@example.org", reached)


@given(st.integers(0, 10), st.integers(0, 10))
def test_there_is_room_up_to_the_limit(verified: int, limit: int) -> None:
    if verified < limit:
        check_room(verified, limit)
        return
    with pytest.raises(ServiceError) as caught:
        check_room(verified, limit)
    assert caught.value.metadata == {"limit": "approvers", "max": str(limit)}
