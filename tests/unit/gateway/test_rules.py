"""The rules of a start: who plays, who is asked, who is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.rollout.experiment import Cell
from services.gateway.domain.decision import Outcome, ReasonCode, RemedyCode
from services.gateway.domain.records import AccountState, Allowances, SessionEndReason, SessionState, Standing
from services.gateway.domain.rules import START_RULES, Facts, decide, shadow_outcome
from services.gateway.domain.texts import REASON_TEXTS, REMEDY_TEXTS

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
HOUSEHOLD = Facts(
    now=NOW,
    session_state=SessionState.LIVE,
    session_end_reason=SessionEndReason.NONE,
    account_state=AccountState.ACTIVE,
    standing=Standing.HOUSEHOLD,
    standing_expire_time=None,
    can_defer=True,
    can_use_code=True,
    allowances=Allowances(deferrals_left=2, guest_leases_left=3, travel_days_left=60),
    cell=Cell.ENFORCE,
    max_streams=2,
)
ANY_FACTS = st.builds(
    Facts,
    now=st.just(NOW),
    session_state=st.sampled_from(SessionState),
    session_end_reason=st.sampled_from(SessionEndReason),
    account_state=st.sampled_from(AccountState),
    standing=st.sampled_from(Standing),
    standing_expire_time=st.sampled_from([None, NOW - timedelta(days=1), LATER]),
    can_defer=st.booleans(),
    can_use_code=st.booleans(),
    allowances=st.just(HOUSEHOLD.allowances),
    cell=st.sampled_from(Cell),
    max_streams=st.integers(1, 4),
    streams_in_the_way=st.sampled_from([None, 2]),
)


@pytest.mark.parametrize("standing", [Standing.HOUSEHOLD, Standing.TRAVELLING])
def test_the_household_plays_at_home_and_away(standing: Standing) -> None:
    assert decide(replace(HOUSEHOLD, standing=standing)).verdict.outcome is Outcome.ALLOWED


def test_a_guest_plays_until_the_lease_ends() -> None:
    verdict = decide(replace(HOUSEHOLD, standing=Standing.GUEST, standing_expire_time=LATER)).verdict
    assert (verdict.outcome, verdict.reason, verdict.until) == (Outcome.ALLOWED_UNTIL, ReasonCode.GUEST, LATER)


def test_an_unconfirmed_device_is_asked_and_told_every_way_out() -> None:
    verdict = decide(replace(HOUSEHOLD, standing=Standing.UNCONFIRMED)).verdict
    assert verdict.outcome is Outcome.VERIFICATION_REQUIRED
    assert verdict.remedies == (
        RemedyCode.VERIFY_BY_EMAIL,
        RemedyCode.VERIFY_BY_TEXT,
        RemedyCode.VERIFY_BY_TRUSTED_DEVICE,
        RemedyCode.VERIFY_LATER,
        RemedyCode.CREATE_OWN_ACCOUNT,
    )


def test_ways_that_are_used_up_are_not_offered() -> None:
    facts = replace(HOUSEHOLD, standing=Standing.UNCONFIRMED, can_defer=False, can_use_code=False)
    assert decide(facts).verdict.remedies == (RemedyCode.CREATE_OWN_ACCOUNT,)


def test_a_deferred_device_plays_until_its_deadline_and_not_a_moment_longer() -> None:
    deferred = replace(HOUSEHOLD, standing=Standing.UNCONFIRMED, standing_expire_time=LATER)
    assert decide(replace(deferred, now=LATER - timedelta(microseconds=1))).verdict.outcome is Outcome.ALLOWED_UNTIL
    assert decide(replace(deferred, now=LATER)).verdict.outcome is Outcome.DENIED


def test_past_the_deadline_an_own_account_is_offered_first() -> None:
    verdict = decide(replace(HOUSEHOLD, standing=Standing.OUTSIDE)).verdict
    assert (verdict.outcome, verdict.remedies[0]) == (Outcome.DENIED, RemedyCode.CREATE_OWN_ACCOUNT)


def test_theft_asks_the_owner_and_offers_neither_later_nor_an_own_account() -> None:
    verdict = decide(replace(HOUSEHOLD, standing=Standing.SUSPECT)).verdict
    assert verdict.reason is ReasonCode.SUSPECTED_THEFT
    assert not {RemedyCode.VERIFY_LATER, RemedyCode.CREATE_OWN_ACCOUNT} & set(verdict.remedies)


def test_a_full_plan_names_stopping_another_stream() -> None:
    verdict = decide(replace(HOUSEHOLD, streams_in_the_way=2)).verdict
    assert (verdict.reason, verdict.remedies) == (ReasonCode.TOO_MANY_STREAMS, (RemedyCode.STOP_ANOTHER_STREAM,))


@pytest.mark.parametrize("cell", [Cell.CONTROL, Cell.OBSERVE])
@pytest.mark.parametrize("standing", [Standing.UNCONFIRMED, Standing.OUTSIDE, Standing.GUEST])
def test_outside_the_enforcing_cell_sharing_is_not_refused(cell: Cell, standing: Standing) -> None:
    verdict = decide(replace(HOUSEHOLD, cell=cell, standing=standing)).verdict
    assert (verdict.outcome, verdict.reason) == (Outcome.ALLOWED, ReasonCode.NOT_ENFORCED)


def test_an_observed_account_keeps_what_would_have_been_decided() -> None:
    facts = replace(HOUSEHOLD, cell=Cell.OBSERVE, standing=Standing.OUTSIDE)
    assert shadow_outcome(facts) is Outcome.DENIED
    assert shadow_outcome(replace(facts, cell=Cell.CONTROL)) is None


@given(facts=ANY_FACTS, cell=st.sampled_from(Cell))
def test_the_experiment_never_touches_theft_revocation_sessions_or_the_stream_limit(facts: Facts, cell: Cell) -> None:
    protected = {
        ReasonCode.SUSPECTED_THEFT,
        ReasonCode.DEVICE_REVOKED,
        ReasonCode.SESSION_ENDED,
        ReasonCode.SESSION_RESTRICTED,
        ReasonCode.ACCOUNT_ON_HOLD,
        ReasonCode.ACCOUNT_CLOSED,
    }
    here, there = decide(facts).verdict, decide(replace(facts, cell=cell)).verdict
    if here.reason in protected:
        assert there == here
    if facts.streams_in_the_way is not None:
        assert not here.outcome.allows


@given(facts=ANY_FACTS)
def test_every_case_has_an_answer_with_a_reason_in_words_and_a_trace(facts: Facts) -> None:
    decision = decide(facts)
    assert REASON_TEXTS[decision.verdict.reason]
    assert all(REMEDY_TEXTS[remedy] for remedy in decision.verdict.remedies)
    assert [trace.rule for trace in decision.trace] == [name for name, _ in START_RULES][: len(decision.trace)]
    assert [trace.decided for trace in decision.trace] == [False] * (len(decision.trace) - 1) + [True]


@given(facts=ANY_FACTS)
def test_nobody_plays_on_an_ended_or_restricted_session_a_shut_out_or_a_suspect_device(facts: Facts) -> None:
    barred = (
        facts.session_state is not SessionState.LIVE
        or facts.standing in {Standing.SUSPECT, Standing.REVOKED}
        or facts.account_state is not AccountState.ACTIVE
    )
    if barred:
        assert not decide(facts).verdict.outcome.allows


def test_every_reason_and_remedy_says_something_to_people() -> None:
    assert set(REASON_TEXTS) == set(ReasonCode)
    assert set(REMEDY_TEXTS) == set(RemedyCode)


@pytest.mark.parametrize("standing", [Standing.UNCONFIRMED, Standing.OUTSIDE])
def test_membership_is_offered_beside_an_own_account_while_the_plan_has_a_slot(standing: Standing) -> None:
    facts = replace(HOUSEHOLD, standing=standing)
    assert RemedyCode.BECOME_EXTRA_MEMBER not in decide(facts).verdict.remedies
    remedies = decide(replace(facts, free_member_slots=1)).verdict.remedies
    assert remedies.index(RemedyCode.BECOME_EXTRA_MEMBER) == remedies.index(RemedyCode.CREATE_OWN_ACCOUNT) + 1


@given(ANY_FACTS)
def test_membership_is_offered_to_nobody_who_may_be_a_thief_or_plays_already(facts: Facts) -> None:
    verdict = decide(replace(facts, free_member_slots=2)).verdict
    offered = RemedyCode.BECOME_EXTRA_MEMBER in verdict.remedies
    assert offered == (verdict.reason in (ReasonCode.DEVICE_UNCONFIRMED, ReasonCode.DEADLINE_PASSED))


def test_a_former_member_is_shown_to_a_plan_and_a_member_of_a_held_host_to_both_ways() -> None:
    held = replace(HOUSEHOLD, account_state=AccountState.ON_HOLD)
    ended = decide(replace(held, membership_ended=True)).verdict
    assert (ended.reason, ended.remedies) == (ReasonCode.MEMBERSHIP_ENDED, (RemedyCode.CHOOSE_PLAN,))
    waiting = decide(replace(held, has_host=True)).verdict
    assert waiting.reason is ReasonCode.ACCOUNT_ON_HOLD
    assert waiting.remedies == (RemedyCode.CONTACT_OWNER, RemedyCode.CHOOSE_PLAN)


def test_the_devices_of_a_closed_account_are_not_sent_to_sign_in_again() -> None:
    over = replace(HOUSEHOLD, session_state=SessionState.ENDED, session_end_reason=SessionEndReason.ACCOUNT_CLOSED)
    verdict = decide(over).verdict
    assert (verdict.reason, verdict.remedies) == (ReasonCode.ACCOUNT_CLOSED, (RemedyCode.CONTACT_OWNER,))


@given(facts=ANY_FACTS)
def test_nobody_is_kept_from_playing_without_a_way_on(facts: Facts) -> None:
    verdict = decide(facts).verdict
    assert verdict.outcome.allows or verdict.remedies


@pytest.mark.parametrize("standing", [Standing.HOUSEHOLD, Standing.GUEST, Standing.SUSPECT])
def test_no_allowance_of_household_codes_keeps_a_session_from_its_owners_proof(standing: Standing) -> None:
    facts = replace(HOUSEHOLD, standing=standing, session_state=SessionState.RESTRICTED, can_use_code=False)
    assert RemedyCode.VERIFY_BY_EMAIL in decide(facts).verdict.remedies
