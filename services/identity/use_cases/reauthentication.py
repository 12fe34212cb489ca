"""The password once more, before what protects an account is changed (OWASP ASVS 5.0, 7.5.1)."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from services.identity.domain.account import Account
from services.identity.domain.password import normalize_password
from services.identity.storage import accounts
from services.identity.use_cases.context import Identity


async def reauthenticate(account_id: UUID, password: str, *, identity: Identity) -> Account:
    """The account, whose password this is. Raises NOT_FOUND unless it is open, CREDENTIALS_REJECTED, OVERLOADED."""
    account = await accounts.find_account(identity.database, account_id)
    if account is None or not account.state.open:
        raise not_found("account")
    password_hash = await accounts.find_password_hash(identity.database, account_id)
    if not await identity.passwords.verify(password_hash, normalize_password(password)):
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail=f"password of account {account_id}")
    return account
