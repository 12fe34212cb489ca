"""StartContactChange: a code to a new address or number of the owner."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.clients.challenge import Notice
from services.gateway.clients.contacts import PutContact, WaitingContact
from services.gateway.domain.contact_change import ChangeKind, ContactChange
from services.gateway.domain.records import Channel, Client, ResolvedSession
from services.gateway.domain.verification import NoticeKind, requester_of
from services.gateway.use_cases.alike import alike
from services.gateway.use_cases.contact_codes import begun, keep_change, send_code
from services.gateway.use_cases.context import Context, resolve_member, step_id

# What a free address can meet and a taken one cannot, so that it must not show: the account's limit counts codes alone,
# and codes are bound to a session, which may be another one when a gateway died over the first request.
_OF_ONE_OF_THE_TWO: Final = frozenset({ErrorReason.LIMIT_EXCEEDED, ErrorReason.REQUEST_ID_REUSED})
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StartContactChange:
    """The owner wants to be reached elsewhere."""

    request_id: UUID
    body_digest: bytes
    session_token: str = field(repr=False)
    client: Client
    channel: Channel
    destination: str = field(repr=False)
    password: str = field(repr=False)


async def start_contact_change(context: Context, command: StartContactChange) -> ContactChange:
    """What waits for the code. The owner of a taken address gets a notice in place of a code; the asker cannot tell."""
    resolved, _ = await resolve_member(context, command.session_token, command.client)
    async with alike(context):
        kept = await begun(context, ChangeKind.CONTACT, command.request_id, resolved, command.body_digest)
        if kept is not None:
            return kept
        new = PutContact(
            request_id=step_id(command.request_id, "contact"),
            account_id=resolved.account.account_id,
            channel=command.channel,
            destination=command.destination,
            password=command.password,
        )
        waiting = await context.contacts.put_contact(new)
        return await keep_change(
            context,
            ChangeKind.CONTACT,
            command.request_id,
            resolved,
            command.client,
            contact_id=waiting.contact_id,
            challenge_id=await _send(context, command, resolved, waiting),
            body_digest=command.body_digest,
        )


async def _send(
    context: Context, command: StartContactChange, resolved: ResolvedSession, waiting: WaitingContact
) -> UUID | None:
    try:
        if waiting.taken:
            await _tell_owner_of_address(context, command, resolved, waiting)
            return None
        return await send_code(context, command.request_id, resolved, command.client, command.channel, waiting)
    except ServiceError as error:
        if error.reason not in _OF_ONE_OF_THE_TWO or command.channel is not Channel.EMAIL:
            raise
        account_id = str(resolved.account.account_id)
        _log.warning("no code for a new address", account_id=account_id, reason=str(error.reason))
        return None


async def _tell_owner_of_address(
    context: Context, command: StartContactChange, resolved: ResolvedSession, waiting: WaitingContact
) -> None:
    notice = Notice(
        request_id=step_id(command.request_id, "code"),
        account_id=resolved.account.account_id,
        kind=NoticeKind.ACCOUNT_EXISTS,
        email=waiting.destination,
        language=waiting.language,
        about=requester_of(command.client),
        event_time=context.clock.now(),
        ip_address=command.client.ip_address,
    )
    await context.challenge.notify(notice)
