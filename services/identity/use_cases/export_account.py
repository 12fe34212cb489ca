"""ExportAccount: everything that identity holds about an account, for its owner."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from libs.persistence.privacy import Exported, Subject, export_holdings
from services.identity.storage import audit
from services.identity.storage.privacy import holdings
from services.identity.use_cases.context import Identity


async def export_account(account_id: UUID, *, identity: Identity) -> AsyncGenerator[list[Exported]]:
    """The records in chunks; none for an account that is not there. Close it when leaving early."""
    chain = await audit.find_subject(identity.database, account_id)
    held = holdings(identity.keys, account_id, chain_id=chain.head.subject_id if chain else None)
    async with aclosing(export_holdings(identity.database, held, Subject(account_id=account_id))) as chunks:
        async for chunk in chunks:
            yield chunk
