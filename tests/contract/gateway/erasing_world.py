"""Carrying an erasure on, as the gateway's worker does when it is due."""

from __future__ import annotations

from datetime import timedelta

from hearthgate.gateway.v1 import privacy_service_pb2 as pb
from services.gateway.erasures import carry_on, claim
from tests.contract.gateway.gateway_world import World

LONG = timedelta(minutes=2)
"""Longer than an erasure's lease, its settling, and the pause after a first failure."""


async def work(world: World) -> int:
    """What the worker does in one turn; how many erasures it took up."""
    due = await claim(world.gateway, 10)
    for erasure in due:
        await carry_on(world.gateway, erasure)
    return len(due)


async def finish(world: World, erasure_id: str) -> pb.Erasure:
    """Let time pass until an erasure is over; at most as often as it has steps."""
    for _ in range(30):
        erasure = await look(world, erasure_id)
        if erasure.state in (pb.ERASURE_STATE_DONE, pb.ERASURE_STATE_FAILED):
            return erasure
        world.clock.advance(LONG)
        await work(world)
    raise AssertionError(f"not over: {await look(world, erasure_id)}")


async def look(world: World, erasure_id: str) -> pb.Erasure:
    """The erasure as anyone may see it who has its id."""
    return (await world.privacy.GetErasure(pb.GetErasureRequest(erasure_id=erasure_id))).erasure
