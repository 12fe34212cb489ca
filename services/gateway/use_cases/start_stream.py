"""StartStream: look everything up, apply the rules, take a slot, keep the decision, answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.persistence.database import Executor, retry_conflicts
from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain.decision import (
    Decision,
    DecisionRecord,
    StartAnswer,
    VerificationOffer,
)
from services.gateway.domain.lease import ActiveStream, Lease, StreamRequest
from services.gateway.domain.records import Assessment, Client, ResolvedSession, SessionState, Standing
from services.gateway.domain.rules import Facts, decide, shadow_outcome
from services.gateway.metrics import count_decision
from services.gateway.storage import decisions, leases
from services.gateway.use_cases.context import Context, account_hint, require_profile, resolve, session_unknown
from services.gateway.use_cases.facts import claims_for, start_facts, started
from services.gateway.use_cases.offers import reachable, verification_offer

KIND: Final = "start"


@dataclass(frozen=True, kw_only=True, slots=True)
class StartStream:
    """Somebody pressed play."""

    request_id: UUID
    body_digest: bytes
    session_token: str
    profile_id: UUID
    title_id: str
    client: Client
    platform: str
    stop_stream_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What was looked up, under the epoch that was read before it."""

    epoch: int
    resolved: ResolvedSession
    assessment: Assessment


async def start_stream(context: Context, command: StartStream) -> StartAnswer:
    """Decide whether a stream may start. A revocation between looking up and claiming makes it look up again."""
    return await retry_conflicts(lambda: _start(context, command))


async def _start(context: Context, command: StartStream) -> StartAnswer:
    found = await _look_up(context, command)
    account_id = found.resolved.account.account_id
    kept = await _kept_answer(context, command, found)
    if kept is not None:
        return kept
    require_profile(found.resolved, command.profile_id)
    answer = await _decide_and_keep(context, command, found)
    if answer.verdict.outcome.allows:
        context.saw(SightingKind.START, account_id, command.client, command.profile_id)
    return answer


async def _look_up(context: Context, command: StartStream) -> _Found:
    """The epoch first, then identity and device_trust side by side, by the account that the token names."""
    hint = account_hint(command.session_token)
    epoch = await leases.find_epoch(context.database, hint)
    resolved, assessment = await asyncio.gather(
        resolve(context, command.session_token, command.client),
        context.device_trust.assess_device(hint, command.client, SightingKind.START, command.profile_id),
    )
    if resolved.account.account_id != hint:
        raise session_unknown("token names another account")
    return _Found(epoch=epoch, resolved=resolved, assessment=assessment)


async def _decide_and_keep(context: Context, command: StartStream, found: _Found) -> StartAnswer:
    """One transaction for the slot and the decision: both, or neither."""
    facts = start_facts(context, found.resolved, found.assessment, command.platform)
    decision = decide(facts)
    offer = await verification_offer(context, found.resolved.account.account_id, decision.verdict, found.assessment)
    try:
        async with context.database.transaction() as transaction:
            lease: Lease | None = None
            streams: tuple[ActiveStream, ...] = ()
            if decision.verdict.outcome.allows:
                lease = await _claim(context, transaction, command, found, decision, facts.now)
            if decision.verdict.outcome.allows and lease is None:
                streams = await leases.list_streams(transaction, found.resolved.account.account_id, facts.now)
                facts = replace(facts, streams_in_the_way=len(streams))
                decision = decide(facts)
            record = _record(context, command, found, facts, decision, lease, streams, offer)
            await decisions.insert(transaction, record)
    except UniqueViolation as violation:
        if violation.constraint != decisions.REQUEST_CONSTRAINT:
            raise
        return await _kept_answer(context, command, found) or _denied_anew(record)
    verdict = record.verdict
    count_decision(kind=KIND, outcome=verdict.outcome, reason=verdict.reason, cell=record.cell)
    return _answer(record)


async def _kept_answer(context: Context, command: StartStream, found: _Found) -> StartAnswer | None:
    """The answer that this request had before. None for a session that is over: that answer may hold a grant."""
    if found.resolved.session.state is SessionState.ENDED:
        return None
    account_id = found.resolved.account.account_id
    kept = await decisions.find_by_request(context.database, account_id, KIND, command.request_id, command.body_digest)
    return kept.answer if kept else None


def _denied_anew(record: DecisionRecord) -> StartAnswer:
    """A refusal that is not kept, because its request id has an older answer."""
    if record.verdict.outcome.allows:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="the earlier decision is gone")
    return _answer(record)


def _answer(record: DecisionRecord) -> StartAnswer:
    assert record.answer is not None
    return record.answer


async def _claim(
    context: Context,
    transaction: Executor,
    command: StartStream,
    found: _Found,
    decision: Decision,
    now: datetime,
) -> Lease | None:
    account = found.resolved.account
    request = StreamRequest(
        account_id=account.account_id,
        stream_id=context.ids.new(),
        session_id=found.resolved.session.session_id,
        device_id=command.client.device_id,
        device_name=command.client.device_name,
        profile_id=command.profile_id,
        title_id=command.title_id,
        stop_stream_ids=command.stop_stream_ids,
        replace_device_streams=found.assessment.standing is Standing.GUEST,
    )
    end = context.lease_policy.expire_time(now, decision.verdict.until)
    return await leases.claim(
        transaction, request, epoch=found.epoch, max_streams=account.plan.max_streams, now=now, expire_time=end
    )


def _record(
    context: Context,
    command: StartStream,
    found: _Found,
    facts: Facts,
    decision: Decision,
    lease: Lease | None,
    streams: tuple[ActiveStream, ...],
    offer: VerificationOffer | None,
) -> DecisionRecord:
    decision_id, now = context.ids.new(), facts.now
    verdict = replace(decision.verdict, remedies=reachable(decision.verdict, offer))
    return DecisionRecord(
        account_id=found.resolved.account.account_id,
        decision_id=decision_id,
        request_id=command.request_id,
        kind=KIND,
        body_digest=command.body_digest,
        verdict=verdict,
        cell=facts.cell,
        shadow_outcome=shadow_outcome(facts),
        policy_version=context.policy_version,
        facts=facts.as_text(),
        rules=decision.trace,
        answer=StartAnswer(
            decision_id=decision_id,
            verdict=verdict,
            stream=started(context, found.resolved, lease, now),
            grant_claims=claims_for(found.resolved, command.client, command.title_id, decision_id, lease, now),
            verification=offer,
            allowances=found.assessment.allowances,
            streams_in_the_way=streams,
        ),
        decide_time=now,
    )
