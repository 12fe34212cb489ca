"""Extra members: places, tokens, and what a membership makes of an account's state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.account_state import AccountState
from services.identity.domain.membership import (
    EXTRA_MEMBER_PLAN_ID,
    INVITATION_LIFE,
    Membership,
    MembershipState,
    Place,
    PlaceState,
    effective_state,
    first_free_slot,
    max_profiles,
    new_invitation_token,
    parse_invitation_token,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
memberships = st.one_of(
    st.none(),
    st.builds(
        Membership,
        host_account_id=st.just(UUID(int=1)),
        member_id=st.just(UUID(int=2)),
        state=st.sampled_from(MembershipState),
        host_state=st.sampled_from(AccountState),
        host_quality=st.just("HD"),
    ),
)


def _place(state: PlaceState, member_account_id: UUID | None = None) -> Place:
    return Place(
        account_id=UUID(int=1),
        member_id=UUID(int=2),
        slot=1,
        state=state,
        email="Ben@example.com",
        member_account_id=member_account_id,
        invite_time=NOW,
        expire_time=NOW + INVITATION_LIFE,
        accept_time=None,
    )


@given(state=st.sampled_from(AccountState), plan_id=st.sampled_from(["standard", EXTRA_MEMBER_PLAN_ID]), of=memberships)
def test_a_membership_takes_good_order_away_and_never_gives_it(
    state: AccountState, plan_id: str, of: Membership | None
) -> None:
    told = effective_state(state, plan_id, of)
    if told is not state:
        assert (state, told) == (AccountState.ACTIVE, AccountState.ON_HOLD)
        assert plan_id == EXTRA_MEMBER_PLAN_ID
    if told is AccountState.ACTIVE and plan_id == EXTRA_MEMBER_PLAN_ID:
        assert of is not None
        assert (of.state, of.host_state) == (MembershipState.ACTIVE, AccountState.ACTIVE)


@given(held=st.sets(st.integers(1, 10)), slots=st.integers(0, 10))
def test_a_slot_is_given_while_fewer_are_held_than_the_plan_has_and_is_nobodys(held: set[int], slots: int) -> None:
    slot = first_free_slot(held, slots)
    assert (slot is not None) == (len(held) < slots)
    if slot is not None:
        assert 1 <= slot <= slots
        assert slot not in held


def test_a_token_says_its_account_and_hides_its_secret() -> None:
    token = new_invitation_token(uuid4())
    assert parse_invitation_token(token.encode()) == token
    assert token.secret not in repr(token)
    assert len(token.digest()) == 32
    assert new_invitation_token(token.account_id).secret != token.secret


@given(st.text(max_size=120))
def test_no_other_text_is_a_token(text: str) -> None:
    assert parse_invitation_token(text) is None


def test_an_invitation_is_held_until_it_ends_and_a_member_stays() -> None:
    last = NOW + INVITATION_LIFE
    assert _place(PlaceState.INVITED).held(last - timedelta(microseconds=1))
    assert not _place(PlaceState.INVITED).held(last)
    assert _place(PlaceState.ACTIVE, UUID(int=3)).held(last)
    assert not _place(PlaceState.REMOVED).held(NOW)


def test_a_place_is_taken_once_and_again_only_by_the_same_account() -> None:
    me, other = UUID(int=3), UUID(int=4)
    assert _place(PlaceState.INVITED).may_be_taken(NOW, None)
    taken = _place(PlaceState.ACTIVE, me)
    assert [taken.may_be_taken(NOW, each) for each in (me, other, None)] == [True, False, False]
    assert not _place(PlaceState.REMOVED, me).may_be_taken(NOW, me)


def test_an_invitation_is_for_its_address_however_it_is_capitalised() -> None:
    assert _place(PlaceState.INVITED).is_for("ben@example.com")
    assert not _place(PlaceState.INVITED).is_for("benny@example.com")
    assert "example" not in repr(_place(PlaceState.INVITED))


@pytest.mark.parametrize(("plan_id", "most"), [(EXTRA_MEMBER_PLAN_ID, 1), ("premium", 5)])
def test_a_member_has_one_profile_and_others_have_theirs(plan_id: str, most: int) -> None:
    assert max_profiles(plan_id, 5) == most
