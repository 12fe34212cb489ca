"""From what was looked up to what the rules see, and from a lease to what a device is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.gateway.domain.decision import StartedStream
from services.gateway.domain.lease import Lease
from services.gateway.domain.records import Assessment, Client, ResolvedSession
from services.gateway.domain.rules import Facts
from services.gateway.grants import grant_claims
from services.gateway.use_cases.context import Context


def start_facts(context: Context, resolved: ResolvedSession, assessment: Assessment, platform: str) -> Facts:
    """The facts of a start or a renewal, as of now."""
    session, account = resolved.session, resolved.account
    return Facts(
        now=context.clock.now(),
        session_state=session.state,
        session_end_reason=session.end_reason,
        account_state=account.state,
        standing=assessment.standing,
        standing_expire_time=assessment.expire_time,
        can_defer=assessment.can_defer,
        can_use_code=assessment.can_use_code,
        allowances=assessment.allowances,
        cell=context.assignment(account, platform).cell,
        max_streams=account.plan.max_streams,
        free_member_slots=account.free_member_slots,
        has_host=account.host_account_id is not None,
        membership_ended=account.membership_ended,
    )


def started(context: Context, resolved: ResolvedSession, lease: Lease | None, now: datetime) -> StartedStream | None:
    """A lease as its device is told of it; None without a lease."""
    if lease is None:
        return None
    return StartedStream(
        stream_id=lease.stream_id,
        lease_expire_time=lease.expire_time,
        renew_time=context.lease_policy.renew_time(now, lease.expire_time),
        fencing_token=lease.fencing_token,
        max_quality=resolved.account.plan.quality,
    )


def claims_for(
    resolved: ResolvedSession, client: Client, title_id: str, decision_id: UUID, lease: Lease | None, now: datetime
) -> dict[str, str | int] | None:
    """What the grant of a lease says; None without a lease."""
    if lease is None:
        return None
    return grant_claims(
        decision_id=decision_id,
        account_id=resolved.account.account_id,
        stream_id=lease.stream_id,
        device_id=client.device_id,
        title_id=title_id,
        fencing_token=lease.fencing_token,
        quality=resolved.account.plan.quality,
        now=now,
        expire_time=lease.expire_time,
    )
