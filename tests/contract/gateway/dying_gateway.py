"""A gateway in a process of its own that ends, without a word, after a step of an own account.

``python -m tests.contract.gateway.dying_gateway`` reads one line of JSON: settings, the time, callers, and after which
step to die. It tells its port on standard error (the log has standard output), and serves
until it dies.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from libs.persistence.database import Database
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.clock import FakeClock
from services.gateway import main as gateway_main
from services.gateway.settings import GatewaySettings
from services.gateway.sightings import SightingRecorder

DEATH = 9


async def _serve(told: dict[str, Any]) -> None:
    def die(point: str) -> None:
        if told["die_after"] == point:
            os._exit(DEATH)

    async with AsyncExitStack() as stack:
        settings = GatewaySettings(**told["settings"])
        database = await Database.connect(told["settings"]["database_url"], application_name="gateway", pool_size=4)
        stack.push_async_callback(database.close)
        leaves = await gateway_main.open_leaves(stack, settings)
        sightings = await stack.enter_async_context(SightingRecorder.running(leaves.device_trust.record_sightings))
        clock = FakeClock(datetime.fromisoformat(told["now"]))
        context = gateway_main.build_context(
            settings, database=database, clock=clock, leaves=leaves, sightings=sightings
        )
        context = replace(context, after_step=die)
        options = ServerOptions(callers=told["callers"])
        server = build_server(options, gateway_main.registrations(settings, context), database.ping)
        sys.stderr.write(f"{await server.start()}\n")
        sys.stderr.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.stdin.readline())))
