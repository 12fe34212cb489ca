"""EraseAccount: nothing of an account is left, and no other account's rows name it."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.privacy import Erased, Subject, erase_holdings
from libs.runtime.logging import get_logger
from services.identity.storage import accounts
from services.identity.storage.privacy import holdings
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.guessing import counted_under

_log = get_logger(__name__)


async def erase_account(account_id: UUID, *, identity: Identity) -> Erased:
    """How much was deleted by this call; repeating deletes what has come since.

    Every row of an account refers to it, so that none can come once the account itself is gone. A row that comes while
    the others are deleted keeps the account alive, by its foreign key; the caller's next try finds the row.
    """
    async with identity.database.transaction() as transaction:
        if await accounts.lock_account(transaction, account_id) is not None:
            await audit.close_chain(transaction, account_id, identity=identity)
    held = holdings(identity.keys, account_id, guess_hashes=await counted_under(account_id, identity=identity))
    erased = await erase_holdings(identity.database, held, Subject(account_id=account_id))
    _log.info("account erased", complete=erased.complete, rows=sum(erased.counts.values()))
    return erased
