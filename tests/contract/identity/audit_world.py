"""Looking into the audit log, and damaging it as only the database's owner can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg import Record

from hearthgate.identity.v1 import audit_service_pb2 as pb
from libs.rpc.channel import call
from services.identity.anchor_file import AnchorFile
from services.identity.audit_anchoring import anchor, write_out
from services.identity.audit_verification import Report, verify
from services.identity.domain.audit_findings import Damage
from tests.contract.identity.identity_world import World


async def listed(world: World, account_id: str, caller: str = "operator", **fields: Any) -> pb.ListAuditEventsResponse:
    """A page of what the operator sees."""
    request = pb.ListAuditEventsRequest(account_id=account_id, **fields)
    answer: pb.ListAuditEventsResponse = await call(world.audit_stubs[caller].ListAuditEvents, request, timeout=10)
    return answer


async def kinds(world: World, account_id: str) -> list[str]:
    """What happened to an account, in its order."""
    return [event.kind for event in reversed((await listed(world, account_id, page_size=500)).events)]


async def anchored(world: World, path: Path | None) -> None:
    """Anchor everything, and write it out."""
    await anchor(world.identity)
    await write_out(world.identity, path)


async def verified(world: World, path: Path | None = None, *, later: timedelta = timedelta()) -> Report:
    """A verification by the service's own role, at the clock's time or later."""
    outside = AnchorFile(path) if path is not None else None
    now: datetime = world.clock.now() + later
    return await verify(world.identity.database, world.identity.audit_keys, outside, now=now)


def damages(report: Report) -> set[tuple[Damage, UUID | None, int | None]]:
    """What was found: the damage, and where."""
    return {(each.damage, each.subject_id, each.sequence) for each in report.findings}


@asynccontextmanager
async def owner(world: World) -> AsyncIterator[asyncpg.Connection[Record]]:
    """The role that owns the tables."""
    assert world.dsns is not None
    connection = await asyncpg.connect(world.dsns.owner)
    try:
        yield connection
    finally:
        await connection.close()


async def subject_of(world: World, account_id: str) -> UUID:
    """The account's subject."""
    async with owner(world) as connection:
        subject_id: UUID = await connection.fetchval(
            "select subject_id from audit_subject where account_id = $1", UUID(account_id)
        )
    return subject_id


async def tamper(world: World, *statements: str, args: Sequence[Any]) -> None:
    """Run statements as the owner; each takes the same arguments."""
    async with owner(world) as connection, connection.transaction():
        for statement in statements:
            await connection.execute(statement, *args)


async def household(world: World, path: Path) -> tuple[UUID, UUID]:
    """Two accounts with a little history, all anchored; the subjects of the first and the second one."""
    first, second = await world.active(), await world.active(email="bob@example.com")
    for number in range(3):
        await world.open(first, f"device-{number}")
    await anchored(world, path)
    await world.open(second, "tv")
    await anchored(world, path)
    return await subject_of(world, first), await subject_of(world, second)
