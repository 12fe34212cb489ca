"""SetPassword: set a new password and end every session, perhaps but one."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.password import context_words, normalize_password, password_refused, refusal
from services.identity.domain.protection import Credential
from services.identity.domain.session import EndReason
from services.identity.passwords import Admitted
from services.identity.storage import accounts, password_guesses, protection, sessions
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account
from services.identity.use_cases.guessing import account_counters, check_guess, counted_under
from services.identity.use_cases.new_passwords import check_new_password, words_around

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetPassword:
    """A new password. ``current`` must be right where it is given; the session ``except_id`` stays.

    ``device_id``: the device on which a code vouched for the caller; it is a known one from then on.
    """

    account_id: UUID
    password: str = field(repr=False)
    current: str = field(default="", repr=False)
    except_id: UUID | None = None
    dry_run: bool = False
    device_id: str = ""


async def set_password(command: SetPassword, *, identity: Identity) -> int:
    """How many sessions ended, in the transaction that sets the password and settles a demanded reset.

    ``dry_run`` checks the password and looks at no account, so that its answer tells nothing of one; that a password
    is only the owner's address or name is therefore found when it is set.

    Raises NOT_FOUND unless the account is active or on hold; CREDENTIALS_REJECTED for a wrong current password, and
    LIMIT_EXCEEDED after many; INVALID_FIELD on ``password``, also for the old one where a reset was demanded;
    OVERLOADED; CONCURRENT_CHANGE; DEPENDENCY_UNAVAILABLE where the password could not be looked up.
    """
    checked = await check_new_password(command.password, context_words(brand=identity.brand), identity=identity)
    if command.dry_run:
        return 0
    with identity.passwords.admitted() as admitted:
        account = await accounts.find_account(identity.database, command.account_id)
        if account is None or not account.state.open:
            raise not_found("account")
        words = await words_around(command.account_id, identity=identity)
        if (why := refusal(checked, identity.known_passwords.common, words)) is not None:
            raise password_refused(why)
        credential = await protection.find_credential(identity.database, command.account_id)
        if command.current and await _is_repeat(credential, command, checked, admitted, identity):
            return 0
        await _require_other(credential, checked, admitted)
        password_hash = await admitted.hash(checked)
    return await _put(command, credential, password_hash, identity)


async def _is_repeat(
    credential: Credential | None, command: SetPassword, new: str, admitted: Admitted, identity: Identity
) -> bool:
    """Whether the new password is set already, as after a lost answer; False where the current one is right.

    Each of the two is a guess. Whoever knows the new one in that case knows the password, and is told no more than
    that. While a reset is demanded there is no such repeat: nothing may seem to have been settled.
    """
    password_hash = credential.password_hash if credential else None
    counters = account_counters(identity, command.account_id)
    current = normalize_password(command.current)
    if await check_guess(password_hash, current, counters, admitted=admitted, identity=identity):
        return False
    set_already = await check_guess(password_hash, new, counters, admitted=admitted, identity=identity)
    if set_already and credential is not None and not credential.reset_required:
        return True
    raise ServiceError(ErrorReason.CREDENTIALS_REJECTED)


async def _require_other(credential: Credential | None, new: str, admitted: Admitted) -> None:
    """A reset that was demanded because the password is known to somebody else must not end with the same one."""
    if credential is None or not credential.reset_required:
        return
    if await admitted.verify(credential.password_hash, new):
        raise invalid_field("password", "is the one that has to be replaced")


async def _put(command: SetPassword, seen: Credential | None, password_hash: str, identity: Identity) -> int:
    now, account_id = identity.clock.now(), command.account_id
    guess_hashes = await counted_under(account_id, identity=identity)
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        _require_unchanged(await protection.find_credential(transaction, account_id), seen, command)
        await accounts.put_password_hash(transaction, account_id, password_hash, now)
        await protection.settle_demands(transaction, account_id, now)
        await password_guesses.forget_account(transaction, account_id, guess_hashes, command.device_id or None)
        ended = await sessions.end_all_sessions(
            transaction, account_id, EndReason.PASSWORD_CHANGED, now, except_id=command.except_id
        )
        details = {"sessions_ended": ended}
        await audit.record(transaction, account_id, AuditKind.PASSWORD_SET, identity=identity, details=details)
    _log.info("credential changed", account_id=account_id, sessions_ended=ended)
    return ended


def _require_unchanged(now: Credential | None, seen: Credential | None, command: SetPassword) -> None:
    """What was checked must still hold: of two changes from one password only one counts, and none slips past a
    demand that came meanwhile."""
    demanded = now is not None and now.reset_required and not (seen is not None and seen.reset_required)
    replaced = bool(command.current) and now != seen
    if demanded or replaced:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="the password was changed or is to be reset meanwhile")
