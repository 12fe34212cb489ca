"""RenewStream: keep a stream's slot while its device may still watch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from uuid import UUID

from libs.runtime.errors import not_found
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain.decision import StartedStream, Verdict
from services.gateway.domain.lease import ActiveStream, Lease
from services.gateway.domain.records import Client
from services.gateway.domain.rules import Facts, decide
from services.gateway.storage import leases
from services.gateway.use_cases.context import Context, account_hint, resolve
from services.gateway.use_cases.facts import claims_for, start_facts, started


@dataclass(frozen=True, kw_only=True, slots=True)
class RenewStream:
    """A stream's heartbeat."""

    session_token: str
    stream_id: UUID
    fencing_token: int
    client: Client
    platform: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RenewAnswer:
    """The verdict, and the stream with its new lease end unless it is over."""

    verdict: Verdict
    stream: StartedStream | None = None
    grant_claims: dict[str, str | int] | None = None


async def renew_stream(context: Context, command: RenewStream) -> RenewAnswer:
    """The same rules as for a start; where they refuse, the slot is free at once."""
    account_id = account_hint(command.session_token)
    epoch, stream = await asyncio.gather(
        leases.find_epoch(context.database, account_id),
        leases.find_stream(context.database, account_id, command.stream_id),
    )
    profile_id = stream.profile_id if stream is not None else None
    resolved, assessment = await asyncio.gather(
        resolve(context, command.session_token, command.client),
        context.device_trust.assess_device(account_id, command.client, SightingKind.HEARTBEAT, profile_id),
    )
    facts = start_facts(context, resolved, assessment, command.platform)
    verdict = decide(facts).verdict
    if not verdict.outcome.allows:
        await leases.end_streams(context.database, account_id, [command.stream_id], facts.now)
        return RenewAnswer(verdict=verdict)
    stream = _require_held(stream, command, resolved.session.session_id)
    end = context.lease_policy.expire_time(facts.now, verdict.until)
    renewed = await leases.renew(
        *(context.database, stream, account_id),
        epoch=epoch,
        max_streams=facts.max_streams,
        now=facts.now,
        expire_time=end,
    )
    if not renewed:
        return await _surplus(context, account_id, command.stream_id, facts)
    context.saw(SightingKind.HEARTBEAT, account_id, command.client, stream.profile_id)
    lease = Lease(stream_id=stream.stream_id, expire_time=end, fencing_token=stream.fencing_token)
    claims = claims_for(resolved, command.client, stream.title_id, context.ids.new(), lease, facts.now)
    return RenewAnswer(verdict=verdict, stream=started(context, resolved, lease, facts.now), grant_claims=claims)


async def _surplus(context: Context, account_id: UUID, stream_id: UUID, facts: Facts) -> RenewAnswer:
    """The end of a stream for which a smaller plan has no room. Raises NOT_FOUND where that is not what ended it."""
    before = await leases.count_in_the_way(context.database, account_id, stream_id, facts.now)
    if before < facts.max_streams:
        raise not_found("stream")
    await leases.end_streams(context.database, account_id, [stream_id], facts.now)
    return RenewAnswer(verdict=decide(replace(facts, streams_in_the_way=before)).verdict)


def _require_held(stream: ActiveStream | None, command: RenewStream, session_id: UUID) -> ActiveStream:
    held = stream is not None and stream.fencing_token == command.fencing_token and stream.session_id == session_id
    if stream is None or not held:
        raise not_found("stream")
    return stream
