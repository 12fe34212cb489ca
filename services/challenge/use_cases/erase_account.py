"""EraseAccount: nothing of an account is left, and nothing that is asked of it later is kept."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.persistence.privacy import Erased, bury, erase_holdings
from libs.runtime.logging import get_logger
from services.challenge.storage.privacy import HOLDINGS
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.export_account import subject_of

_log = get_logger(__name__)


async def erase_account(account_id: UUID, destinations: Sequence[str], *, context: Context) -> Erased:
    """How much was deleted by this call; repeating deletes what has come since.

    The tombstone stands before anything is deleted, and whatever would bring a row looks for it. A message under way
    is sent, and leaves no trace. What was written meanwhile is deleted with the rest or by the next call.
    """
    await bury(context.database, account_id, context.clock.now())
    erased = await erase_holdings(context.database, HOLDINGS, subject_of(account_id, destinations, context))
    _log.info("account erased", complete=erased.complete, rows=sum(erased.counts.values()))
    return erased
