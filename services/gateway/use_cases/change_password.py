"""ChangePassword: a new password while signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.runtime.keys import keyed_hash
from services.gateway.domain.records import Client
from services.gateway.domain.verification import NoticeKind, requester_of
from services.gateway.use_cases.context import Context, resolve_member, step_id
from services.gateway.use_cases.shutting_out import Ended, end_streams_of_others, tell_owner


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangePassword:
    """Somebody entered the password and a new one."""

    request_id: UUID
    session_token: str = field(repr=False)
    client: Client
    current_password: str = field(repr=False)
    password: str = field(repr=False)


async def change_password(context: Context, command: ChangePassword) -> Ended:
    """How much ended: everything but this session. A repeat, whose password is set already, ends what it did not.

    Raises DEVICE_NOT_TRUSTED unless a device of the household asks; CREDENTIALS_REJECTED, INVALID_FIELD.
    """
    resolved, _ = await resolve_member(context, command.session_token, command.client)
    account_id, session_id = resolved.account.account_id, resolved.session.session_id
    sessions = await context.identity.change_password(
        account_id, command.password, current_password=command.current_password, except_session_id=session_id
    )
    streams = await end_streams_of_others(context, account_id, session_id)
    # Each new password has a notice of its own: a request id that comes again must not keep a change from the owner.
    notice_id = step_id(command.request_id, keyed_hash(context.digest_key, "change", command.password).hex())
    await tell_owner(context, notice_id, account_id, NoticeKind.PASSWORD_CHANGED, requester_of(command.client))
    return Ended(sessions=sessions, streams=streams)
