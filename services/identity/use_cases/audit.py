"""Writing the audit log: a line in each use case, in the transaction of what it tells of."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid4

from libs.persistence.database import Executor
from libs.rpc.callers import current_caller
from services.identity.domain.audit import AuditEvent, AuditKind, Detail, Subject, canonical_details
from services.identity.storage import audit as storage
from services.identity.use_cases.context import Identity

_SALT_BYTES: Final = 32
_ITSELF: Final = "identity"
_NO_DETAILS: Final[Mapping[str, Detail]] = MappingProxyType({})


async def record(
    transaction: Executor,
    account_id: UUID,
    kind: AuditKind,
    *,
    identity: Identity,
    device_id: str | None = None,
    session_id: UUID | None = None,
    object_id: UUID | None = None,
    details: Mapping[str, Detail] = _NO_DETAILS,
) -> None:
    """Add an event to the account's chain, which is held until the transaction ends.

    Call it after the transaction's other locks are taken, for one account a transaction: then nobody waits in a circle.
    Ids are written as pseudonyms. ``details`` are words, numbers and truths; anything else raises ValueError, so that
    nothing personal is written by mistake.
    """
    told = canonical_details(details)
    subject = await _hold(transaction, account_id)
    event = identity.audit_keys.seal(
        AuditEvent(
            subject_id=subject.head.subject_id,
            sequence=subject.head.sequence + 1,
            kind=kind,
            # Taken while the chain is held, so that its times grow with its sequence.
            time=identity.clock.now(),
            actor=current_caller() or _ITSELF,
            device=subject.pseudonym("device", device_id),
            session=subject.pseudonym("session", session_id),
            object=subject.pseudonym("object", object_id),
            details=told,
            previous_hash=subject.head.hash,
        )
    )
    await storage.append(transaction, account_id, event)


async def record_alone(
    account_id: UUID, kind: AuditKind, *, identity: Identity, details: Mapping[str, Detail] = _NO_DETAILS
) -> None:
    """Add an event in a transaction of its own, for what changes nothing else."""
    async with identity.database.transaction() as transaction:
        await record(transaction, account_id, kind, identity=identity, details=details)


async def close_chain(transaction: Executor, account_id: UUID, *, identity: Identity) -> None:
    """Forget whose chain it is, in the transaction that erases the account; the chain stays, closed and nameless.

    Call it before the account's row is deleted; the mapping refers to it. Does nothing for an account without a chain.
    """
    if await storage.lock_subject(transaction, account_id) is None:
        return
    await record(transaction, account_id, AuditKind.CHAIN_CLOSED, identity=identity)
    closed = await _hold(transaction, account_id)
    await storage.close_subject(transaction, account_id, closed.head, identity.clock.now())


async def _hold(transaction: Executor, account_id: UUID) -> Subject:
    subject = await storage.lock_subject(transaction, account_id)
    if subject is None:
        # Random, and without the time that a UUIDv7 would tell.
        await storage.insert_subject(transaction, account_id, uuid4(), secrets.token_bytes(_SALT_BYTES))
        subject = await storage.lock_subject(transaction, account_id)
        assert subject is not None
    return subject
