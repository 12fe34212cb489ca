"""InviteMember: the household keeps a slot for somebody, who gets a mail with a link."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.challenge import Notice
from services.gateway.domain.members import Invited, Member
from services.gateway.domain.records import Account, Client
from services.gateway.domain.verification import NoticeKind
from services.gateway.use_cases.context import Context, resolve_member, step_id


@dataclass(frozen=True, kw_only=True, slots=True)
class InviteMember:
    """Somebody of the household names an address."""

    request_id: UUID
    session_token: str = field(repr=False)
    client: Client
    email: str = field(repr=False)


async def invite_member(context: Context, command: InviteMember) -> Member:
    """The invitation. Raises DEVICE_NOT_TRUSTED and what identity and the mail's limits refuse; a repeat mails once."""
    resolved, _ = await resolve_member(context, command.session_token, command.client)
    account = resolved.account
    invited = await context.members.invite(command.request_id, account.account_id, command.email)
    if invited.token:
        await _mail(context, command, account, invited)
    return invited.member


async def _mail(context: Context, command: InviteMember, account: Account, invited: Invited) -> None:
    """Not by ``tell_owner``: an invitation that was not sent must not be answered as if it was."""
    notice = Notice(
        request_id=step_id(command.request_id, "mail"),
        account_id=account.account_id,
        kind=NoticeKind.MEMBER_INVITED,
        email=invited.email,
        language=account.language,
        about=None,
        event_time=context.clock.now(),
        ip_address=command.client.ip_address,
        due_time=invited.member.expire_time,
        invitation_token=invited.token,
    )
    try:
        await context.challenge.notify(notice)
    except ServiceError as error:
        # A repeated request: the first one's mail is on its way, and its token opens the invitation as well.
        if error.reason is not ErrorReason.REQUEST_ID_REUSED:
            raise
