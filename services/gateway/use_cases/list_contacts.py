"""ListContacts: where the owner is reached, and who else of the household."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.gateway.clients.contacts import Approver
from services.gateway.domain.records import Client, Contact
from services.gateway.use_cases.context import Context, resolve_member


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactList:
    """The owner's contacts, verified or not, and the approvers, also those who have yet to say yes."""

    contacts: tuple[Contact, ...]
    approvers: tuple[Approver, ...]


async def list_contacts(context: Context, session_token: str, client: Client) -> ContactList:
    """Masked. Raises DEVICE_NOT_TRUSTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    account_id = resolved.account.account_id
    found, approvers = await asyncio.gather(
        context.identity.get_contacts(account_id, masked_only=True), context.contacts.list_approvers(account_id)
    )
    owners = tuple(contact for contact in found.contacts if not contact.approver)
    return ContactList(contacts=owners, approvers=approvers)
