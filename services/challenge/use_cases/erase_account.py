"""EraseAccount: nothing of an account is left, and nothing that is asked of it later is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from libs.persistence.privacy import Erased, bury, erase_holdings
from libs.runtime.logging import get_logger
from services.challenge.storage import privacy_sql as sql
from services.challenge.storage.privacy import HOLDINGS
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.export_account import hashes_of, subject_of

_log = get_logger(__name__)


async def erase_account(
    account_id: UUID, destinations: Sequence[str], others: Sequence[str] = (), *, context: Context
) -> Erased:
    """How much was deleted by this call; repeating deletes what has come since.

    The tombstone stands before anything is deleted, and whatever would bring a row looks for it. A message under way
    is sent, and leaves no trace. What was written meanwhile is deleted with the rest or by the next call.
    ``others`` are other people's destinations. Where the account's codes went is known here besides.
    """
    await bury(context.database, account_id, context.clock.now())
    codes = await context.database.fetch(sql.LIST_CODE_DESTINATIONS, account_id)
    other_hashes = (*hashes_of(others, context), *(row["destination_hash"] for row in codes))
    subject = replace(subject_of(account_id, destinations, context), other_hashes=other_hashes)
    erased = await erase_holdings(context.database, HOLDINGS, subject)
    _log.info("account erased", complete=erased.complete, rows=sum(erased.counts.values()))
    return erased
