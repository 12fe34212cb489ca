"""DemandPasswordReset: the password opens nothing until it was reset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.protection import ResetDemandReason
from services.identity.domain.session import EndReason
from services.identity.storage import protection
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Demanded:
    """How many sessions ended; ``settled``: a new password was set since this very demand, so nothing was done."""

    ended: int
    settled: bool


async def demand_password_reset(
    request_id: UUID,
    account_id: UUID,
    reason: ResetDemandReason,
    keep_device_ids: Sequence[str],
    *,
    identity: Identity,
) -> Demanded:
    """Demand a reset and end the sessions, in one transaction. Raises NOT_FOUND unless the account is open.

    The account is held meanwhile, as SetPassword holds it: a password is set before the demand or after it.
    """
    now = identity.clock.now()
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        new = await protection.demand(transaction, account_id, request_id, reason, now)
        if await protection.is_settled(transaction, account_id, request_id):
            return Demanded(ended=0, settled=True)
        ended = await protection.end_sessions_but_devices(
            transaction, account_id, EndReason.SIGNED_OUT_EVERYWHERE, now, keep_device_ids
        )
        if new:
            about = AuditKind.PASSWORD_RESET_DEMANDED
            await audit.record(transaction, account_id, about, identity=identity, details={"reason": reason})
    _log.info("reset demanded", account_id=account_id, reason=reason, sessions_ended=ended)
    return Demanded(ended=ended, settled=False)
