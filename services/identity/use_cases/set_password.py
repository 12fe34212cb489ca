"""SetPassword: set a new password and end every session."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.password import check_new_password
from services.identity.domain.session import EndReason
from services.identity.storage import accounts, sessions
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


async def set_password(account_id: UUID, password: str, *, dry_run: bool, identity: Identity) -> int:
    """How many sessions ended: all of the account's, in the transaction that sets the password.

    ``dry_run`` checks the password and looks at no account, so that its answer tells nothing of one.

    Raises NOT_FOUND unless the account is active or on hold; INVALID_FIELD on ``password``; OVERLOADED.
    """
    checked = check_new_password(password)
    if dry_run:
        return 0
    account = await accounts.find_account(identity.database, account_id)
    if account is None or not account.state.open:
        raise not_found("account")
    password_hash = await identity.passwords.hash(checked)
    now = identity.clock.now()
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        await accounts.put_password_hash(transaction, account_id, password_hash, now)
        ended = await sessions.end_all_sessions(transaction, account_id, EndReason.PASSWORD_CHANGED, now)
        details = {"sessions_ended": ended}
        await audit.record(transaction, account_id, AuditKind.PASSWORD_SET, identity=identity, details=details)
    _log.info("credential changed", account_id=account_id, sessions_ended=ended)
    return ended
