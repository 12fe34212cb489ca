"""AddApprover: a code to a second adult, who gets codes and may approve once it has come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from services.gateway.clients.contacts import NewApprover
from services.gateway.domain.contact_change import ChangeKind, ContactChange
from services.gateway.domain.records import Channel, Client
from services.gateway.use_cases.contact_codes import begun, keep_change, send_code
from services.gateway.use_cases.context import Context, resolve_member, step_id


@dataclass(frozen=True, kw_only=True, slots=True)
class AddApprover:
    """The owner wants somebody beside them."""

    request_id: UUID
    body_digest: bytes
    session_token: str = field(repr=False)
    client: Client
    name: str = field(repr=False)
    channel: Channel
    destination: str = field(repr=False)
    profile_id: UUID | None
    password: str = field(repr=False)


async def add_approver(context: Context, command: AddApprover) -> ContactChange:
    """What waits for the code. Whether the address has an account is not looked at."""
    resolved, _ = await resolve_member(context, command.session_token, command.client)
    kept = await begun(context, ChangeKind.APPROVER, command.request_id, resolved, command.body_digest)
    if kept is not None:
        return kept
    new = NewApprover(
        request_id=step_id(command.request_id, "approver"),
        account_id=resolved.account.account_id,
        name=command.name,
        channel=command.channel,
        destination=command.destination,
        profile_id=command.profile_id,
        password=command.password,
    )
    waiting = await context.contacts.add_approver(new)
    challenge_id = await send_code(context, command.request_id, resolved, command.client, command.channel, waiting)
    return await keep_change(
        context,
        ChangeKind.APPROVER,
        command.request_id,
        resolved,
        command.client,
        contact_id=waiting.contact_id,
        challenge_id=challenge_id,
        body_digest=command.body_digest,
    )
