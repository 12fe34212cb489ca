"""The password once more, before what protects an account is changed (OWASP ASVS 5.0, 7.5.1)."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from services.identity.domain.account import Account
from services.identity.domain.password import normalize_password
from services.identity.storage import accounts, protection
from services.identity.use_cases.context import Identity
from services.identity.use_cases.guessing import account_counters, check_guess


async def reauthenticate(account_id: UUID, password: str, *, identity: Identity) -> Account:
    """The account, whose password this is. Wrong ones are counted for the account, apart from its sign-ins: somebody
    with a stolen session must not guess on, and keeps nobody from signing in.

    Raises NOT_FOUND unless it is open, CREDENTIALS_REJECTED, LIMIT_EXCEEDED, OVERLOADED.
    """
    normalized = normalize_password(password)
    with identity.passwords.admitted() as admitted:
        account = await accounts.find_account(identity.database, account_id)
        if account is None or not account.state.open:
            raise not_found("account")
        credential = await protection.find_credential(identity.database, account_id)
        password_hash = credential.password_hash if credential else None
        counters = account_counters(identity, account_id)
        right = await check_guess(password_hash, normalized, counters, admitted=admitted, identity=identity)
    # A password that is to be reset, because somebody else may know it, vouches for nobody.
    if not right or credential is None or credential.reset_required:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail=f"password of account {account_id}")
    return account
