"""RemoveMember: the household ends a membership."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.gateway.domain.members import Member
from services.gateway.domain.records import Client
from services.gateway.domain.verification import NoticeKind
from services.gateway.use_cases.context import Context, resolve_member, step_id
from services.gateway.use_cases.shutting_out import end_streams_of_others, tell_owner


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovedMember:
    """The member, and how many streams ended with the membership."""

    member: Member
    streams: int


async def remove_member(context: Context, session_token: str, client: Client, member_id: UUID) -> RemovedMember:
    """Identity refuses the member first, then the epoch is raised. Raises DEVICE_NOT_TRUSTED, NOT_FOUND."""
    resolved, _ = await resolve_member(context, session_token, client)
    member = await context.members.remove(resolved.account.account_id, member_id)
    if member.account_id is None:
        return RemovedMember(member=member, streams=0)
    account, _ = await context.identity.get_account(member.account_id)
    if not account.membership_ended:
        # By now it stands on a plan of its own, or on another host's: nothing of it is this household's to end.
        return RemovedMember(member=member, streams=0)
    streams = await end_streams_of_others(context, member.account_id, None)
    await tell_owner(context, step_id(member_id, "removed"), member.account_id, NoticeKind.MEMBER_REMOVED, None)
    return RemovedMember(member=member, streams=streams)
