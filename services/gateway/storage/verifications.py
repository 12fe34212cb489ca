"""Who asked for a verification, and the proofs of sign-ups and password resets."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.keys import OpenError, SealingKeys
from services.gateway.domain.verification import Asker, Proof, Purpose
from services.gateway.storage import sql
from services.gateway.storage.decisions import request_id_reused


async def keep_asker(
    executor: Executor, keys: SealingKeys, account_id: UUID, challenge_id: UUID, asker: Asker, expire_time: datetime
) -> None:
    """Keep who asked, sealed to its challenge."""
    sealed = keys.seal(asker.client, challenge_id.bytes)
    await executor.execute(sql.UPSERT_ASKER, account_id, challenge_id, asker.session_id, sealed, expire_time)


async def find_asker(executor: Executor, keys: SealingKeys, account_id: UUID, challenge_id: UUID) -> Asker | None:
    """Who asked, or None when it is not known any more (or was sealed under a key that is gone)."""
    row = await executor.fetch_row(sql.FIND_ASKER, account_id, challenge_id)
    if row is None:
        return None
    try:
        return Asker(session_id=row["session_id"], client=keys.open(row["client"], challenge_id.bytes))
    except OpenError:
        return None


async def forget_asker(executor: Executor, account_id: UUID, challenge_id: UUID, now: datetime) -> None:
    """Forget who asked, once it was answered, and whoever's verification is over."""
    await executor.execute(sql.DELETE_ASKERS, account_id, challenge_id, now)


async def keep_proof(executor: Executor, proof: Proof, body_digest: bytes) -> Proof:
    """Keep a proof; a repeated one is answered as it was kept. Raises REQUEST_ID_REUSED for another body."""
    await executor.execute(
        sql.INSERT_PROOF,
        *(proof.proof_id, proof.purpose, proof.account_id, proof.challenge_id, proof.device_id),
        *(body_digest, proof.expire_time, proof.source_account_id),
    )
    kept = await find_proof(executor, proof.proof_id, body_digest)
    assert kept is not None
    return kept


async def find_proof(executor: Executor, proof_id: UUID, body_digest: bytes | None = None) -> Proof | None:
    """The proof of that id, or None. Raises REQUEST_ID_REUSED where a digest is given and is another."""
    row = await executor.fetch_row(sql.FIND_PROOF, proof_id)
    if row is None:
        return None
    if body_digest is not None and row["body_digest"] != body_digest:
        raise request_id_reused()
    return Proof(
        proof_id=row["proof_id"],
        purpose=Purpose(row["purpose"]),
        account_id=row["account_id"],
        challenge_id=row["challenge_id"],
        device_id=row["device_id"],
        expire_time=row["expire_time"],
        source_account_id=row["source_account_id"],
    )
