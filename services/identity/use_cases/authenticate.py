"""Authenticate: check an address and a password, alike for known and unknown addresses."""

from __future__ import annotations

from dataclasses import dataclass

from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.account import Account, AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import normalize_email
from services.identity.domain.password import normalize_password
from services.identity.domain.password_guesses import Standing
from services.identity.domain.protection import Credential
from services.identity.storage import accounts
from services.identity.storage.password_guesses import find_sign_in
from services.identity.use_cases import audit
from services.identity.use_cases.context import NOBODY, Identity
from services.identity.use_cases.guessing import check_guess, sign_in_counters
from services.identity.use_cases.rehash_password import rehash_password


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticated:
    """An account, and how the password stands that was right."""

    account: Account
    credential: Credential


async def authenticate(
    email: str, password: str, *, device_id: str = "", ip_address: str = "", identity: Identity
) -> Authenticated:
    """The account whose address and password these are.

    Without ``device_id`` the device is a stranger's, without ``ip_address`` no network is counted. Every path runs the
    same statements and one password check; a call that is shed runs none. Raises CREDENTIALS_REJECTED, whatever was
    wrong; LIMIT_EXCEEDED, where nothing was compared; STATE_CONFLICT for a closed account, to those who know its
    password; OVERLOADED.
    """
    normalized = normalize_password(password)
    with identity.passwords.admitted() as admitted:
        hashes = identity.keys.hashes_by_key(_address(email))
        account_id = await accounts.find_address(identity.database, sorted(hashes)) or NOBODY
        found = await find_sign_in(identity.database, account_id, device_id)
        account, credential = (found.account, found.credential) if found else (None, None)
        standing = found.standing if found else Standing.STRANGER
        counters = sign_in_counters(identity, hashes[0], standing, device_id=device_id, ip_address=ip_address)
        password_hash = credential.password_hash if credential else None
        right = await check_guess(password_hash, normalized, counters, admitted=admitted, identity=identity)
    if not right or credential is None or account is None or account.state is AccountState.PENDING:
        identity.failed_sign_ins.note(account_id)
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED)
    if account.state is AccountState.CLOSED:
        identity.failed_sign_ins.note(account_id)
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is closed")
    if identity.passwords.outdated(credential.password_hash):
        # After the answer: only the owner's own sign-in gets here, and even that does not wait for it.
        renewal = rehash_password(account_id, credential.password_hash, normalized, identity=identity)
        identity.after_answers.begin(renewal)
    await audit.record_alone(account_id, AuditKind.SIGN_IN_SUCCEEDED, identity=identity)
    return Authenticated(account=account, credential=credential)


def _address(email: str) -> str:
    """The normal form, or the text itself where it is no address: it is looked up like any other, and not found."""
    try:
        return normalize_email(email)
    except ServiceError:
        return email
