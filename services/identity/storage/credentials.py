"""Password hashes that are renewed in place."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.database import Executor
from services.identity.storage import credentials_sql


async def replace_password_hash(executor: Executor, account_id: UUID, old_hash: str, new_hash: str) -> bool:
    """Put ``new_hash`` where ``old_hash`` is; False where another one is by now. When it was set does not change."""
    return await executor.execute(credentials_sql.REPLACE_CREDENTIAL, account_id, old_hash, new_hash) == "UPDATE 1"
