"""What changes of contacts and new approvers share: a code to the new destination, and its return."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.challenge import EnteredCode, NewChallenge
from services.gateway.clients.contacts import WaitingContact
from services.gateway.domain.contact_change import ChangeKind, ContactChange
from services.gateway.domain.records import Channel, Client, ResolvedSession
from services.gateway.domain.verification import CodeResult, Purpose
from services.gateway.storage import contact_changes
from services.gateway.use_cases.context import Context, resolve_member, step_id
from services.gateway.use_cases.proofs import CODE_LIFE


@dataclass(frozen=True, kw_only=True, slots=True)
class EnteredContactCode:
    """Somebody entered the code of a change."""

    request_id: UUID
    session_token: str = field(repr=False)
    client: Client
    change_id: UUID
    code: str = field(repr=False)


async def begun(
    context: Context, kind: ChangeKind, request_id: UUID, resolved: ResolvedSession, body_digest: bytes
) -> ContactChange | None:
    """What an earlier request of this id began, or None. Raises REQUEST_ID_REUSED for another body."""
    account_id = resolved.account.account_id
    return await contact_changes.find(context.database, account_id, _change_id(kind, request_id), body_digest)


async def send_code(
    context: Context,
    request_id: UUID,
    resolved: ResolvedSession,
    client: Client,
    channel: Channel,
    waiting: WaitingContact,
) -> UUID:
    """The challenge whose code is on its way to the new destination. Raises INVALID_FIELD, LIMIT_EXCEEDED."""
    new = NewChallenge(
        request_id=step_id(request_id, "code"),
        account_id=resolved.account.account_id,
        asker=client,
        purpose=Purpose.VERIFY_CONTACT,
        channel=channel,
        destination=waiting.destination,
        language=waiting.language,
        session_id=resolved.session.session_id,
    )
    return (await context.challenge.create_challenge(new)).challenge_id


async def keep_change(
    context: Context,
    kind: ChangeKind,
    request_id: UUID,
    resolved: ResolvedSession,
    client: Client,
    *,
    contact_id: UUID,
    challenge_id: UUID | None,
    body_digest: bytes,
) -> ContactChange:
    """Keep what a code is about; ``challenge_id`` is None where none was sent, which the answer does not show."""
    change = ContactChange(
        account_id=resolved.account.account_id,
        change_id=_change_id(kind, request_id),
        kind=kind,
        contact_id=contact_id,
        challenge_id=challenge_id or step_id(request_id, "no challenge"),
        device_id=client.device_id,
        expire_time=context.clock.now() + CODE_LIFE,
    )
    return await contact_changes.keep(context.database, change, body_digest)


async def redeem_contact_code(context: Context, kind: ChangeKind, entered: EnteredContactCode) -> ContactChange:
    """The change whose code it is. Raises DEVICE_NOT_TRUSTED; CREDENTIALS_REJECTED, without saying what was wrong."""
    resolved, _ = await resolve_member(context, entered.session_token, entered.client)
    account_id = resolved.account.account_id
    change = await contact_changes.find(context.database, account_id, entered.change_id)
    if change is None or change.kind is not kind or change.device_id != entered.client.device_id:
        raise _rejected("no such change on this device")
    check = await context.challenge.verify_challenge(
        EnteredCode(
            request_id=step_id(entered.request_id, "verify"),
            account_id=account_id,
            challenge_id=change.challenge_id,
            client=entered.client,
            session_id=resolved.session.session_id,
            code=entered.code,
            contacts=None,
        )
    )
    if check.result is not CodeResult.ACCEPTED:
        raise _rejected(f"code {check.result}")
    return change


def _change_id(kind: ChangeKind, request_id: UUID) -> UUID:
    return step_id(request_id, f"change {kind}")


def _rejected(detail: str) -> ServiceError:
    return ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail=detail)
