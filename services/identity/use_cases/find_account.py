"""FindAccount: find the account behind an address."""

from __future__ import annotations

from uuid import UUID

from services.identity.domain.contact import normalize_email
from services.identity.storage import accounts
from services.identity.use_cases.context import NOBODY, Identity


async def find_account(email: str, *, identity: Identity) -> UUID | None:
    """The open account with this address; None where there is none, or it is closed. Raises INVALID_FIELD."""
    hashes = identity.keys.email_hashes(normalize_email(email))
    account_id = await accounts.find_address(identity.database, hashes) or NOBODY
    account = await accounts.find_account(identity.database, account_id)
    return account.account_id if account is not None and account.state.open else None
