"""Authenticate: check an address and a password, alike for known and unknown addresses."""

from __future__ import annotations

from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.account import Account, AccountState
from services.identity.domain.contact import normalize_email
from services.identity.domain.password import normalize_password
from services.identity.storage import accounts
from services.identity.use_cases.context import NOBODY, Identity
from services.identity.use_cases.rehash_password import rehash_password


async def authenticate(email: str, password: str, *, identity: Identity) -> Account:
    """The account whose address and password these are.

    Every path runs the same statements and one password check; a call that is shed runs none. Raises
    CREDENTIALS_REJECTED, whatever was wrong; STATE_CONFLICT for a closed account, to those who know its password;
    OVERLOADED.
    """
    normalized = normalize_password(password)
    with identity.passwords.admitted() as admitted:
        hashes = identity.keys.email_hashes(_address(email))
        account_id = await accounts.find_address(identity.database, hashes) or NOBODY
        account = await accounts.find_account(identity.database, account_id)
        password_hash = await accounts.find_password_hash(identity.database, account_id)
        right = await admitted.verify(password_hash, normalized)
    if not right or account is None or account.state is AccountState.PENDING:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED)
    if account.state is AccountState.CLOSED:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is closed")
    if password_hash is not None and identity.passwords.outdated(password_hash):
        # After the answer: only the owner's own sign-in gets here, and even that does not wait for it.
        identity.after_answers.begin(rehash_password(account_id, password_hash, normalized, identity=identity))
    return account


def _address(email: str) -> str:
    """The normal form, or the text itself where it is no address: it is looked up like any other, and not found."""
    try:
        return normalize_email(email)
    except ServiceError:
        return email
