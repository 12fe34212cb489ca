"""The rules of a start, first answer wins: session, account, theft, cell, standing, deadline, streams at once, allow.

Pure functions over facts. Sharing errs towards playing, theft towards asking; the two never share a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from libs.rollout.experiment import Cell
from services.gateway.domain.decision import Decision, Outcome, ReasonCode, RemedyCode, RuleTrace, Verdict
from services.gateway.domain.records import (
    AccountState,
    Allowances,
    Assessment,
    SessionEndReason,
    SessionState,
    Standing,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that the rules of a start may look at.

    ``streams_in_the_way`` is None until a slot was asked for, then the number of streams that left none free.
    """

    now: datetime
    session_state: SessionState
    session_end_reason: SessionEndReason
    account_state: AccountState
    standing: Standing
    standing_expire_time: datetime | None
    can_defer: bool
    can_use_code: bool
    allowances: Allowances
    cell: Cell
    max_streams: int
    streams_in_the_way: int | None = None
    free_member_slots: int = 0
    has_host: bool = False
    membership_ended: bool = False

    @property
    def enforced(self) -> bool:
        """Whether the sharing check acts on this account."""
        return self.cell is Cell.ENFORCE

    def as_text(self) -> dict[str, str]:
        """Each fact by name, for ExplainDecision; nothing personal among them."""
        return {
            "now": self.now.isoformat(),
            "session_state": self.session_state,
            "session_end_reason": self.session_end_reason,
            "account_state": self.account_state,
            "standing": self.standing,
            "standing_expire_time": self.standing_expire_time.isoformat() if self.standing_expire_time else "",
            "can_defer": str(self.can_defer).lower(),
            "can_use_code": str(self.can_use_code).lower(),
            "deferrals_left": str(self.allowances.deferrals_left),
            "guest_leases_left": str(self.allowances.guest_leases_left),
            "travel_days_left": str(self.allowances.travel_days_left),
            "cell": self.cell,
            "max_streams": str(self.max_streams),
            "streams_in_the_way": "" if self.streams_in_the_way is None else str(self.streams_in_the_way),
            "free_member_slots": str(self.free_member_slots),
            "has_host": str(self.has_host).lower(),
            "membership_ended": str(self.membership_ended).lower(),
        }


Finding = tuple[Verdict | None, str]
Rule = Callable[[Facts], Finding]

_CODE_REMEDIES: Final = (
    RemedyCode.VERIFY_BY_EMAIL,
    RemedyCode.VERIFY_BY_TEXT,
    RemedyCode.VERIFY_BY_TRUSTED_DEVICE,
)


def session(facts: Facts) -> Finding:
    """A session that is over starts nothing."""
    if facts.session_state is not SessionState.ENDED:
        return None, f"session is {facts.session_state}"
    if facts.session_end_reason is SessionEndReason.ACCOUNT_CLOSED:
        # Signing in again would not help.
        return _denied(ReasonCode.ACCOUNT_CLOSED, RemedyCode.CONTACT_OWNER), "session ended with its account"
    revoked = facts.session_end_reason is SessionEndReason.DEVICE_REVOKED
    reason = ReasonCode.DEVICE_REVOKED if revoked else ReasonCode.SESSION_ENDED
    return _denied(reason, RemedyCode.SIGN_IN), f"session ended: {facts.session_end_reason}"


def account(facts: Facts) -> Finding:
    """An account that is not in good order starts nothing."""
    if facts.account_state is AccountState.ACTIVE:
        return None, "account is in good order"
    on_hold = facts.account_state is AccountState.ON_HOLD
    if on_hold and facts.membership_ended:
        return _denied(ReasonCode.MEMBERSHIP_ENDED, RemedyCode.CHOOSE_PLAN), "the membership is over"
    if on_hold and facts.has_host:
        remedies = (RemedyCode.CONTACT_OWNER, RemedyCode.CHOOSE_PLAN)
        return _denied(ReasonCode.ACCOUNT_ON_HOLD, *remedies), "the member's or the host's account is on hold"
    reason = ReasonCode.ACCOUNT_ON_HOLD if on_hold else ReasonCode.ACCOUNT_CLOSED
    return _denied(reason, RemedyCode.CONTACT_OWNER), f"account is {facts.account_state}"


def theft(facts: Facts) -> Finding:
    """A device that was shut out starts nothing; a suspect one, or one not yet proved, has to prove itself.

    In every cell: the experiment is about sharing.
    """
    if facts.standing is Standing.REVOKED:
        return _denied(ReasonCode.DEVICE_REVOKED, RemedyCode.CONTACT_OWNER), "device was shut out"
    if facts.standing is Standing.SUSPECT:
        return _prove(ReasonCode.SUSPECTED_THEFT), "sign-in looks like theft"
    if facts.session_state is SessionState.RESTRICTED:
        return _prove(ReasonCode.SESSION_RESTRICTED), "session may only be used to prove who one is"
    return None, "no sign of theft"


def cell(facts: Facts) -> Finding:
    """Outside the experiment's enforcing cell the sharing rules are passed over."""
    return None, f"cell is {facts.cell}: the sharing rules {'apply' if facts.enforced else 'are passed over'}"


def standing(facts: Facts) -> Finding:
    """A device not known to live here is asked to verify, unless it has time to."""
    if not facts.enforced:
        return None, "passed over"
    if facts.standing is Standing.UNCONFIRMED and facts.standing_expire_time is None:
        return _ask(facts), "device is not known to live here and has no time left"
    return None, f"standing is {facts.standing}"


def deadline(facts: Facts) -> Finding:
    """Past its deadline a device starts nothing until it is verified or its viewer has an own account."""
    if not facts.enforced:
        return None, "passed over"
    expired = facts.standing_expire_time is not None and facts.standing_expire_time <= facts.now
    if facts.standing is Standing.OUTSIDE or (facts.standing is Standing.UNCONFIRMED and expired):
        remedies = (*_ways_out(facts), RemedyCode.CONNECT_AT_HOME, *_by_code(facts))
        return _denied(ReasonCode.DEADLINE_PASSED, *remedies), "the deadline to verify has passed"
    return None, "no deadline has passed"


def streams_at_once(facts: Facts) -> Finding:
    """No more streams at once than the plan has."""
    if facts.streams_in_the_way is None:
        return None, f"the plan has {facts.max_streams} streams"
    finding = f"{facts.streams_in_the_way} streams run, the plan has {facts.max_streams}"
    return _denied(ReasonCode.TOO_MANY_STREAMS, RemedyCode.STOP_ANOTHER_STREAM), finding


_ALLOWING: Final = {
    Standing.HOUSEHOLD: ReasonCode.HOUSEHOLD,
    Standing.TRAVELLING: ReasonCode.TRAVELLING,
    Standing.GUEST: ReasonCode.GUEST,
    Standing.UNCONFIRMED: ReasonCode.DEFERRED,
}


def allow(facts: Facts) -> Finding:
    """Everything else may start; until the standing ends, where it has an end and the check is enforced."""
    member = facts.standing in (Standing.HOUSEHOLD, Standing.TRAVELLING)
    if not facts.enforced and not member:
        return Verdict(outcome=Outcome.ALLOWED, reason=ReasonCode.NOT_ENFORCED), "the check enforces nothing here"
    until = None if member else facts.standing_expire_time
    outcome = Outcome.ALLOWED_UNTIL if until else Outcome.ALLOWED
    return Verdict(outcome=outcome, reason=_ALLOWING[facts.standing], until=until), "nothing speaks against it"


START_RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("session", session),
    ("account", account),
    ("theft", theft),
    ("experiment_cell", cell),
    ("standing", standing),
    ("deadline", deadline),
    ("streams_at_once", streams_at_once),
    ("allow", allow),
)


def decide(facts: Facts) -> Decision:
    """The first rule's answer, with every rule looked at up to it."""
    trace: list[RuleTrace] = []
    for name, rule in START_RULES:
        verdict, finding = rule(facts)
        trace.append(RuleTrace(rule=name, decided=verdict is not None, finding=finding))
        if verdict is not None:
            return Decision(verdict=verdict, trace=tuple(trace))
    raise AssertionError("the last rule always answers")


def shadow_outcome(facts: Facts) -> Outcome | None:
    """What an enforcing cell would have decided, for accounts that are observed; None for the others."""
    if facts.cell is not Cell.OBSERVE:
        return None
    return decide(replace(facts, cell=Cell.ENFORCE)).verdict.outcome


def sign_in_verdict(assessment: Assessment, *, reset_required: bool = False) -> Verdict:
    """What a right password alone buys: a session, restricted where theft is likely, none on a shut-out device.

    A password that has to be reset buys nothing, on no device.
    """
    if reset_required:
        return _denied(ReasonCode.PASSWORD_RESET_REQUIRED, RemedyCode.RESET_PASSWORD)
    if assessment.standing is Standing.REVOKED:
        return _denied(ReasonCode.DEVICE_REVOKED, RemedyCode.CONTACT_OWNER)
    if assessment.standing is Standing.SUSPECT:
        return _prove(ReasonCode.SUSPECTED_THEFT)
    reason = _ALLOWING.get(assessment.standing, ReasonCode.DEVICE_UNCONFIRMED)
    if assessment.standing is Standing.UNCONFIRMED and assessment.expire_time is None:
        reason = ReasonCode.DEVICE_UNCONFIRMED
    return Verdict(outcome=Outcome.ALLOWED, reason=reason)


def _denied(reason: ReasonCode, *remedies: RemedyCode) -> Verdict:
    return Verdict(outcome=Outcome.DENIED, reason=reason, remedies=remedies)


def _prove(reason: ReasonCode) -> Verdict:
    """The owner's proof is asked for; no allowance bounds it, which is for household codes alone."""
    return Verdict(outcome=Outcome.VERIFICATION_REQUIRED, reason=reason, remedies=_CODE_REMEDIES)


def _ask(facts: Facts) -> Verdict:
    later = (RemedyCode.VERIFY_LATER,) if facts.can_defer else ()
    remedies = (*_by_code(facts), *later, *_ways_out(facts))
    return Verdict(outcome=Outcome.VERIFICATION_REQUIRED, reason=ReasonCode.DEVICE_UNCONFIRMED, remedies=remedies)


def _ways_out(facts: Facts) -> tuple[RemedyCode, ...]:
    """How somebody who lives elsewhere goes on watching: on an own account, or on the owner's plan."""
    member = (RemedyCode.BECOME_EXTRA_MEMBER,) if facts.free_member_slots > 0 else ()
    return (RemedyCode.CREATE_OWN_ACCOUNT, *member)


def _by_code(facts: Facts) -> tuple[RemedyCode, ...]:
    return _CODE_REMEDIES if facts.can_use_code else ()
