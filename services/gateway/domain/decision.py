"""A decision: what was decided, why, what can be done, and what was looked at on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.gateway.domain.lease import ActiveStream
from services.gateway.domain.records import Allowances, Channel, Quality


class Outcome(StrEnum):
    """What was decided."""

    ALLOWED = "ALLOWED"
    ALLOWED_UNTIL = "ALLOWED_UNTIL"
    VERIFICATION_REQUIRED = "VERIFICATION_REQUIRED"
    DENIED = "DENIED"

    @property
    def allows(self) -> bool:
        """Whether it may go ahead."""
        return self in (Outcome.ALLOWED, Outcome.ALLOWED_UNTIL)


class ReasonCode(StrEnum):
    """Why it was decided so; the names of the contract."""

    SESSION_ENDED = "SESSION_ENDED"
    SESSION_RESTRICTED = "SESSION_RESTRICTED"
    ACCOUNT_ON_HOLD = "ACCOUNT_ON_HOLD"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    DEVICE_REVOKED = "DEVICE_REVOKED"
    SUSPECTED_THEFT = "SUSPECTED_THEFT"
    NOT_ENFORCED = "NOT_ENFORCED"
    HOUSEHOLD = "HOUSEHOLD"
    TRAVELLING = "TRAVELLING"
    GUEST = "GUEST"
    DEFERRED = "DEFERRED"
    DEVICE_UNCONFIRMED = "DEVICE_UNCONFIRMED"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    PASSWORD_RESET_REQUIRED = "PASSWORD_RESET_REQUIRED"
    MEMBERSHIP_ENDED = "MEMBERSHIP_ENDED"


class RemedyCode(StrEnum):
    """What can be done; the names of the contract."""

    VERIFY_BY_EMAIL = "VERIFY_BY_EMAIL"
    VERIFY_BY_TEXT = "VERIFY_BY_TEXT"
    VERIFY_BY_TRUSTED_DEVICE = "VERIFY_BY_TRUSTED_DEVICE"
    VERIFY_LATER = "VERIFY_LATER"
    CREATE_OWN_ACCOUNT = "CREATE_OWN_ACCOUNT"
    STOP_ANOTHER_STREAM = "STOP_ANOTHER_STREAM"
    SIGN_IN = "SIGN_IN"
    CONNECT_AT_HOME = "CONNECT_AT_HOME"
    CONTACT_OWNER = "CONTACT_OWNER"
    RESET_PASSWORD = "RESET_PASSWORD"
    BECOME_EXTRA_MEMBER = "BECOME_EXTRA_MEMBER"
    CHOOSE_PLAN = "CHOOSE_PLAN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a rule answers. ``until``: the end of an ALLOWED_UNTIL."""

    outcome: Outcome
    reason: ReasonCode
    remedies: tuple[RemedyCode, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTrace:
    """A rule that was looked at, and what it found in words."""

    rule: str
    decided: bool
    finding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A verdict with the rules that led to it, in order."""

    verdict: Verdict
    trace: tuple[RuleTrace, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationOption:
    """One way to verify; mask and contact are empty for a trusted device."""

    channel: Channel
    masked_destination: str
    contact_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationOffer:
    """How a device can verify, and by when. ``verification_id``: the one under way, if any."""

    options: tuple[VerificationOption, ...]
    can_defer: bool
    deadline: datetime | None
    verification_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedStream:
    """A stream that may run. ``max_quality`` is None in answers that were kept before there was one."""

    stream_id: UUID
    lease_expire_time: datetime
    renew_time: datetime
    fencing_token: int
    max_quality: Quality | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StartAnswer:
    """The answer to a start. It holds no secret: the grant is signed anew from its claims each time it is given."""

    decision_id: UUID
    verdict: Verdict
    stream: StartedStream | None
    grant_claims: dict[str, str | int] | None
    verification: VerificationOffer | None
    allowances: Allowances
    streams_in_the_way: tuple[ActiveStream, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRecord:
    """A decision as it is kept: for the same answer to the same request, and for ExplainDecision.

    ``kind`` is "start" or "sign_in"; ``body_digest`` tells one request's body from another's.
    """

    account_id: UUID
    decision_id: UUID
    request_id: UUID
    kind: str
    body_digest: bytes
    verdict: Verdict
    cell: str
    shadow_outcome: Outcome | None
    policy_version: str
    facts: dict[str, str]
    rules: tuple[RuleTrace, ...]
    answer: StartAnswer | None
    decide_time: datetime
