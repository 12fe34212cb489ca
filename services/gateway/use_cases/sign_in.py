"""SignIn: address and password, and what they buy on this device."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.clients.device_trust import SightingKind
from services.gateway.clients.identity import Authenticated
from services.gateway.domain.decision import DecisionRecord, Outcome, RuleTrace, Verdict, VerificationOffer
from services.gateway.domain.records import (
    Account,
    AccountState,
    Assessment,
    Channel,
    Client,
    Credentials,
    Profile,
    ResolvedSession,
    Session,
)
from services.gateway.domain.rules import sign_in_verdict
from services.gateway.domain.verification import NoticeKind, Purpose, requester_of
from services.gateway.metrics import count_decision
from services.gateway.storage import decisions
from services.gateway.use_cases.alike import rejected_alike
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.offers import verification_offer
from services.gateway.use_cases.request_verification import ask
from services.gateway.use_cases.shutting_out import tell_owner

KIND: Final = "sign_in"
_NOBODYS: Final = (AccountState.PENDING, AccountState.CLOSED)
"""Accounts that nobody lives with: not yet, or no more. One on hold has an owner to warn."""
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """Somebody entered an address and a password."""

    request_id: UUID
    body_digest: bytes
    email: str
    password: str
    client: Client
    device_key: bytes = b""

    def __repr__(self) -> str:
        return f"SignIn({self.request_id})"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInAnswer:
    """The verdict; credentials unless it was denied, profiles only where it was allowed."""

    decision_id: UUID
    verdict: Verdict
    account_id: UUID | None
    credentials: Credentials | None
    profiles: tuple[Profile, ...]
    verification: VerificationOffer | None


async def sign_in(context: Context, command: SignIn) -> SignInAnswer:
    """A right password alone gets a full session only where nothing looks like theft."""
    async with rejected_alike(context):
        authenticated = await context.identity.authenticate(command.email, command.password, command.client)
    account = authenticated.account
    assessment = await context.device_trust.assess_device(account.account_id, command.client, SightingKind.SIGN_IN)
    record = await _keep(context, command, authenticated, assessment)
    if record.verdict.outcome is Outcome.DENIED:
        return _answer(record)
    restricted = record.verdict.outcome is Outcome.VERIFICATION_REQUIRED
    session, credentials = await _open_session(context, command, authenticated, restricted=restricted)
    # Before the device is known by its sighting: until then another try tells the owner as well.
    await _tell(context, command, account, record)
    # Not beside the answer: the owner can shut the device out as soon as it stands in an answer.
    sighting = context.sighting(SightingKind.SIGN_IN, account.account_id, command.client, None)
    await context.device_trust.record_sightings([replace(sighting, refused=restricted)])
    if restricted:
        offer = await _stop(context, command, account, session, record.verdict, assessment)
        return _answer(record, credentials=credentials, verification=offer)
    _, profiles = await context.identity.get_account(account.account_id)
    return _answer(record, credentials=credentials, profiles=profiles)


async def _open_session(
    context: Context, command: SignIn, authenticated: Authenticated, *, restricted: bool
) -> tuple[Session, Credentials]:
    """A session for the password that was looked at, and for no other: identity compares as it opens one."""
    return await context.identity.open_session(
        step_id(command.request_id, "session"),
        authenticated.account.account_id,
        command.client.device_id,
        restricted=restricted,
        device_key=command.device_key,
        credential_version=authenticated.credential_version,
    )


async def _keep(
    context: Context, command: SignIn, authenticated: Authenticated, assessment: Assessment
) -> DecisionRecord:
    """The decision, as it was kept by the first request of this id."""
    account = authenticated.account
    record = _record(context, command, authenticated, assessment)
    try:
        await decisions.insert(context.database, record)
    except UniqueViolation:
        kept = await decisions.find_by_request(
            context.database, account.account_id, KIND, command.request_id, command.body_digest
        )
        # A repeat gets no more than the device may have now.
        if kept is None or kept.verdict.outcome is not record.verdict.outcome:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the device's standing has changed") from None
        return kept
    verdict = record.verdict
    count_decision(kind=KIND, outcome=verdict.outcome, reason=verdict.reason, cell=record.cell)
    return record


def _record(context: Context, command: SignIn, authenticated: Authenticated, assessment: Assessment) -> DecisionRecord:
    account = authenticated.account
    verdict = sign_in_verdict(assessment, reset_required=authenticated.reset_required)
    demanded = "; the password has to be reset" if authenticated.reset_required else ""
    finding = f"standing is {assessment.standing}{demanded}"
    return DecisionRecord(
        account_id=account.account_id,
        decision_id=context.ids.new(),
        request_id=command.request_id,
        kind=KIND,
        body_digest=command.body_digest,
        verdict=verdict,
        cell=context.assignment(account, "").cell,
        shadow_outcome=None,
        policy_version=context.policy_version,
        facts={
            "standing": assessment.standing,
            "known_device": str(assessment.known_device).lower(),
            "account_state": account.state,
            "reset_required": str(authenticated.reset_required).lower(),
        },
        rules=(RuleTrace(rule="sign_in", decided=True, finding=finding),),
        answer=None,
        decide_time=context.clock.now(),
    )


async def _stop(
    context: Context, command: SignIn, account: Account, session: Session, verdict: Verdict, assessment: Assessment
) -> VerificationOffer | None:
    """Ask the household's devices; the session can only be used to prove who one is."""
    resolved = ResolvedSession(session=session, account=account, profiles=())
    verification_id, offer = await asyncio.gather(
        _ask_household(context, command, resolved),
        verification_offer(context, account.account_id, verdict, assessment),
    )
    if offer is None:
        return None
    return VerificationOffer(
        options=offer.options,
        can_defer=offer.can_defer,
        deadline=offer.deadline,
        verification_id=verification_id,
    )


async def _ask_household(context: Context, command: SignIn, resolved: ResolvedSession) -> UUID | None:
    """The question to the household's devices; None where it cannot be asked now.

    Somebody who keeps trying the password must not lock the owner out, who can still prove it with a code.
    """
    request_id = step_id(command.request_id, "approval")
    try:
        challenge = await ask(
            context, request_id, resolved, command.client, Channel.TRUSTED_DEVICE, Purpose.CONFIRM_OWNER
        )
    except ServiceError as error:
        _log.warning("household not asked", account_id=str(resolved.account.account_id), reason=str(error.reason))
        return None
    return challenge.challenge_id


async def _tell(context: Context, command: SignIn, account: Account, record: DecisionRecord) -> None:
    """Of a sign-in that was stopped, or of a device that was new when the request came first; also while on hold."""
    stopped = record.verdict.outcome is Outcome.VERIFICATION_REQUIRED
    if account.state in _NOBODYS or (not stopped and record.facts["known_device"] == "true"):
        return
    kind = NoticeKind.SIGN_IN_STOPPED if stopped else NoticeKind.NEW_SIGN_IN
    notice_id, about = step_id(command.request_id, "notice"), requester_of(command.client)
    await tell_owner(context, notice_id, account.account_id, kind, about)


def _answer(
    record: DecisionRecord,
    *,
    credentials: Credentials | None = None,
    profiles: tuple[Profile, ...] = (),
    verification: VerificationOffer | None = None,
) -> SignInAnswer:
    return SignInAnswer(
        decision_id=record.decision_id,
        verdict=record.verdict,
        account_id=record.account_id if credentials else None,
        credentials=credentials,
        profiles=profiles,
        verification=verification,
    )
