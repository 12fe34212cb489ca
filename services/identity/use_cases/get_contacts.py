"""GetContacts: read where an account's owner and its approvers are reached."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import not_found
from services.identity.domain.contact import Contact
from services.identity.storage import accounts, approvers
from services.identity.use_cases.context import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Contacts:
    """The ways to reach an owner, email first, then the approvers, and the language to write in."""

    contacts: list[Contact]
    language: str


async def get_contacts(account_id: UUID, *, identity: Identity) -> Contacts:
    """The owner's contacts, verified or not, and the approvers', verified. Raises NOT_FOUND."""
    account = await accounts.find_account(identity.database, account_id)
    if account is None:
        raise not_found("account")
    contacts = await accounts.list_contacts(identity.database, identity.keys, account_id)
    second = await approvers.list_approvers(identity.database, identity.keys, account_id)
    contacts += [each.contact for each in second if each.verified]
    return Contacts(contacts=contacts, language=account.language)
