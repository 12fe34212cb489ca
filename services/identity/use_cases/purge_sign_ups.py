"""Deletes sign-ups that were never completed. No RPC; a task beside the server.

They hold addresses that nobody has proved, among them other people's: whoever tries somebody's address leaves it here.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.persistence.privacy import Subject, erase_holdings
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.identity.domain.account import AccountState
from services.identity.domain.erasure import LAST_TURN
from services.identity.storage import erasures
from services.identity.storage import privacy_sql as sql
from services.identity.storage.privacy import holdings
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity

_AT_ONCE: Final = 500
_log = get_logger(__name__)


async def run_sign_up_purger(identity: Identity, interval: timedelta, keep: timedelta) -> None:
    """Purge now and then, for ever; a failure is logged, and the next time is another try."""
    while True:
        try:
            await purge_sign_ups(identity, keep)
        except ServiceError as error:
            _log.warning("sign-ups not purged", reason=error.reason, detail=error.detail)
        await asyncio.sleep(interval.total_seconds())


async def purge_sign_ups(identity: Identity, keep: timedelta) -> int:
    """How many pending accounts older than ``keep`` were deleted. Safe to run in several places at the same time."""
    purged = 0
    while True:
        rows = await identity.database.fetch(sql.OLD_SIGN_UPS, identity.clock.now() - keep, _AT_ONCE)
        for row in rows:
            await _purge(row["account_id"], identity)
        purged += len(rows)
        if len(rows) < _AT_ONCE:
            return purged


async def _purge(account_id: UUID, identity: Identity) -> None:
    """One that was completed at this very moment is left alone; one that is left to be purged can be completed no more.

    What is held is deleted after that, statement by statement: among it are marks in other accounts' rows. The account
    stays pending until it goes, last of all, so that whoever breaks off is followed by the next round.
    """
    async with identity.database.transaction() as transaction:
        standing = await erasures.lock_standing(transaction, account_id)
        if standing is None or standing.state is not AccountState.PENDING:
            return
        await erasures.mark(transaction, account_id, AccountState.PENDING, LAST_TURN)
        await audit.close_chain(transaction, account_id, identity=identity)
    await erase_holdings(identity.database, holdings(identity.keys, account_id), Subject(account_id=account_id))
