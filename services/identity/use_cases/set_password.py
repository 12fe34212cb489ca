"""SetPassword: set a new password and end every session."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.password import context_words, password_refused, refusal
from services.identity.domain.session import EndReason
from services.identity.storage import accounts, sessions
from services.identity.use_cases.context import Identity, hold_open_account
from services.identity.use_cases.new_passwords import check_new_password, words_around

_log = get_logger(__name__)


async def set_password(account_id: UUID, password: str, *, dry_run: bool, identity: Identity) -> int:
    """How many sessions ended: all of the account's, in the transaction that sets the password.

    ``dry_run`` checks the password and looks at no account, so that its answer tells nothing of one; that a password
    is only the owner's address or name is therefore found when it is set.

    Raises NOT_FOUND unless the account is active or on hold; INVALID_FIELD on ``password``; OVERLOADED;
    DEPENDENCY_UNAVAILABLE where the password could not be looked up.
    """
    checked = await check_new_password(password, context_words(brand=identity.brand), identity=identity)
    if dry_run:
        return 0
    with identity.passwords.admitted() as admitted:
        account = await accounts.find_account(identity.database, account_id)
        if account is None or not account.state.open:
            raise not_found("account")
        words = await words_around(account_id, identity=identity)
        if (why := refusal(checked, identity.known_passwords.common, words)) is not None:
            raise password_refused(why)
        password_hash = await admitted.hash(checked)
    now = identity.clock.now()
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        await accounts.put_password_hash(transaction, account_id, password_hash, now)
        ended = await sessions.end_all_sessions(transaction, account_id, EndReason.PASSWORD_CHANGED, now)
    _log.info("credential changed", account_id=account_id, sessions_ended=ended)
    return ended
