"""EraseAccount: nothing of an account is left, and nothing that is told of it later is kept."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.privacy import Erased, Subject, bury, erase_holdings
from libs.runtime.logging import get_logger
from services.device_trust.storage.privacy import holdings
from services.device_trust.use_cases.context import Context

_log = get_logger(__name__)


async def erase_account(context: Context, account_id: UUID) -> Erased:
    """How much was deleted by this call; repeating deletes what has come since.

    The tombstone stands before anything is deleted. Whoever writes looks for it after taking the household's lock, so
    that a sighting which was on its way in is deleted with the rest or by the next call, and a later one is refused.
    """
    await bury(context.database, account_id, context.clock.now())
    erased = await erase_holdings(context.database, holdings(lambda _: {}), Subject(account_id=account_id))
    _log.info("account erased", complete=erased.complete, rows=sum(erased.counts.values()))
    return erased
