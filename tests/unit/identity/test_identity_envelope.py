"""The envelope: whatever the order of writing and rotating, what was written can be read, and by its owner alone."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from libs.runtime.keys import OpenError
from services.identity.contact_keys import ContactForm, ContactKeys
from services.identity.domain.contact import Channel
from services.identity.domain.key_rotation import AddressState, KeyState, KeyWork
from services.identity.envelope import is_enveloped

A, B = b"a" * 32, b"b" * 32
ANNA, BERT = UUID(int=1), UUID(int=2)
ACCOUNTS = st.sampled_from([ANNA, BERT])
CHANNELS = st.sampled_from(list(Channel))
DESTINATIONS = st.text(max_size=80)


class Envelope(RuleBasedStateMachine):
    """Contacts of two accounts, and the service's two processes, each of which may be a step behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.masters = [bytes([1]) * 32]
        self.lists = [[self.masters[0]], [self.masters[0]]]
        self.data_keys: dict[UUID, bytes] = {}
        self.contacts: dict[tuple[UUID, Channel], tuple[bytes, str]] = {}

    def _keys(self, process: int, form: ContactForm = ContactForm.ENVELOPE) -> ContactKeys:
        return ContactKeys(self.lists[process], form=form)

    @rule(account_id=ACCOUNTS, channel=CHANNELS, text=DESTINATIONS, process=st.sampled_from([0, 1]))
    def write(self, account_id: UUID, channel: Channel, text: str, process: int) -> None:
        keys = self._keys(process)
        data_key = self.data_keys.setdefault(account_id, keys.make_data_key(account_id))
        sealed = keys.seal(text, account_id=account_id, channel=channel, data_key=data_key)
        self.contacts[account_id, channel] = (sealed, text)

    @rule(account_id=ACCOUNTS, channel=CHANNELS, text=DESTINATIONS, process=st.sampled_from([0, 1]))
    def write_in_the_old_form(self, account_id: UUID, channel: Channel, text: str, process: int) -> None:
        sealed = self._keys(process, ContactForm.DIRECT).seal(text, account_id=account_id, channel=channel)
        self.contacts[account_id, channel] = (sealed, text)

    @rule()
    def exchange_the_key(self) -> None:
        """The whole of it: second everywhere, first everywhere, the job, and the old one is gone."""
        old, new = self.masters[-1], bytes([len(self.masters) + 1]) * 32
        self.masters.append(new)
        for step in ([old, new], [new, old]):
            for process in (0, 1):
                self.lists[process] = step
                self.everything_is_read_by_both()
        self.run_the_job()
        self.lists = [[new], [new]]

    @rule()
    def run_the_job(self) -> None:
        keys = self._keys(0)
        for account_id, data_key in self.data_keys.items():
            self.data_keys[account_id] = keys.wrap_again(data_key, account_id)
        for (account_id, channel), (sealed, text) in self.contacts.items():
            if is_enveloped(sealed):
                continue
            opened = keys.open(sealed, account_id=account_id, channel=channel)
            data_key = self.data_keys.setdefault(account_id, keys.make_data_key(account_id))
            inside = keys.seal(opened, account_id=account_id, channel=channel, data_key=data_key)
            self.contacts[account_id, channel] = (inside, text)

    @invariant()
    def everything_is_read_by_both(self) -> None:
        for (account_id, channel), (sealed, text) in self.contacts.items():
            for process in (0, 1):
                data_key = self.data_keys.get(account_id)
                keys = self._keys(process)
                assert keys.open(sealed, account_id=account_id, channel=channel, data_key=data_key) == text


TestEnvelope = Envelope.TestCase
TestEnvelope.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)


@given(text=DESTINATIONS)
def test_a_contact_opens_for_its_account_and_channel_alone(text: str) -> None:
    keys = ContactKeys([A])
    anna, bert = keys.make_data_key(ANNA), keys.make_data_key(BERT)
    sealed = keys.seal(text, account_id=ANNA, channel=Channel.EMAIL, data_key=anna)
    for account_id, channel, data_key in (
        (ANNA, Channel.TEXT, anna),
        (BERT, Channel.EMAIL, bert),
        (BERT, Channel.EMAIL, anna),
        (ANNA, Channel.EMAIL, bert),
        (ANNA, Channel.EMAIL, None),
    ):
        with pytest.raises(OpenError):
            keys.open(sealed, account_id=account_id, channel=channel, data_key=data_key)


def test_a_data_key_that_is_made_anew_does_not_open_what_the_shredded_one_sealed() -> None:
    keys = ContactKeys([A])
    sealed = keys.seal("x", account_id=ANNA, channel=Channel.TEXT, data_key=keys.make_data_key(ANNA))
    with pytest.raises(OpenError):
        keys.open(sealed, account_id=ANNA, channel=Channel.TEXT, data_key=keys.make_data_key(ANNA))


@given(data=st.data())
def test_an_altered_contact_does_not_open(data: st.DataObject) -> None:
    keys = ContactKeys([A])
    data_key = keys.make_data_key(ANNA)
    sealed = bytearray(keys.seal("ada@example.com", account_id=ANNA, channel=Channel.EMAIL, data_key=data_key))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(OpenError):
        keys.open(bytes(sealed), account_id=ANNA, channel=Channel.EMAIL, data_key=data_key)


def test_keys_are_known_by_their_labels_or_their_place() -> None:
    text = ",".join((f"first:{'A' * 43}", "B" * 42 + "A"))
    assert ContactKeys.from_text(text).labels == ["first", "key 2"]


@given(
    held=st.dictionaries(st.sampled_from([b"new", b"old"]), st.sampled_from([None, b"1", b"2"])),
    retire=st.booleans(),
    key_id=st.sampled_from([None, b"1", b"2"]),
)
def test_the_job_leaves_a_held_address_findable_under_the_current_key_and_claims_no_other(
    held: dict[bytes, bytes | None], retire: bool, key_id: bytes | None
) -> None:
    address = AddressState(hashes=[b"new", b"old"], key_ids=[b"1", b"2"], held=held)
    state = KeyState(current_id=b"1", key_id=key_id, direct_contacts=0, address=address)
    work = KeyWork.of(state, retire=retire)
    after = (set(held) | ({work.enter} if work.enter else set())) - set(work.retire)
    assert bool(after) == bool(held)
    assert (b"new" in after) == bool(held)
    assert not (retire and b"old" in after)
    assert work.rewrap == (key_id == b"2")
