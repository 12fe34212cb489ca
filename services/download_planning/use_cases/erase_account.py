"""EraseAccount: nothing of an account is left, and nothing that is told of it later is kept."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.privacy import Erased
from libs.runtime.logging import get_logger
from services.download_planning.use_cases.context import Context

_log = get_logger(__name__)


async def erase_account(context: Context, account_id: UUID) -> Erased:
    """How much was deleted by this call; repeating deletes what has come since.

    The tombstone stands before anything is deleted, and every statement that would bring a row looks for it. One that
    was under way then may still bring its row; it is deleted with the rest or by the next call.
    """
    erased = await context.store.erase_account(account_id, context.clock.now())
    _log.info("account erased", complete=erased.complete, rows=sum(erased.counts.values()))
    return erased
