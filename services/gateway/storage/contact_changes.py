"""Contact changes as they are kept until their code comes back."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.database import Executor
from services.gateway.domain.contact_change import ChangeKind, ContactChange
from services.gateway.storage import contact_sql
from services.gateway.storage.decisions import request_id_reused


async def keep(executor: Executor, change: ContactChange, body_digest: bytes) -> ContactChange:
    """Keep a change; a repeated one is answered as it was kept. Raises REQUEST_ID_REUSED for another body."""
    await executor.execute(
        contact_sql.INSERT_CONTACT_CHANGE,
        *(change.account_id, change.change_id, change.kind, change.contact_id, change.challenge_id),
        *(change.device_id, body_digest, change.expire_time),
    )
    kept = await find(executor, change.account_id, change.change_id, body_digest)
    assert kept is not None
    return kept


async def find(
    executor: Executor, account_id: UUID, change_id: UUID, body_digest: bytes | None = None
) -> ContactChange | None:
    """The change of that id, or None. Raises REQUEST_ID_REUSED where a digest is given and is another."""
    row = await executor.fetch_row(contact_sql.FIND_CONTACT_CHANGE, account_id, change_id)
    if row is None:
        return None
    if body_digest is not None and row["body_digest"] != body_digest:
        raise request_id_reused()
    return ContactChange(
        account_id=row["account_id"],
        change_id=row["change_id"],
        kind=ChangeKind(row["kind"]),
        contact_id=row["contact_id"],
        challenge_id=row["challenge_id"],
        device_id=row["device_id"],
        expire_time=row["expire_time"],
    )
