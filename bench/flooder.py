"""A process of its own that sends sign-ins at a set rate, whether or not the earlier ones were answered."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final
from uuid import uuid4

import uvloop

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import account_service_pb2_grpc as rpc
from libs.rpc.channel import call, open_channel
from libs.runtime.errors import ServiceError
from libs.runtime.logging import configure_logging

WRONG_PASSWORD: Final = "not the password of anybody"
NETWORKS: Final = 512
"""Of a botnet: out of so many no network is refused (198.18.0.0/15, which RFC 2544 sets apart for benchmarks)."""
_KNOWN_EVERY: Final = 32
_WAIT: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Flood:
    """``rate`` sign-ins a second for ``seconds``, at ``target``, out of so many ``networks``.

    One in 32 is for an address of ``known``, the others for addresses of nobody: so few that none of them is guessed at
    more often than is allowed, and the passwords are compared. With no ``known`` they are malformed, so that the
    gateway refuses each before it does anything: a flood's floor.
    """

    target: str
    rate: float
    seconds: float
    known: tuple[str, ...]
    networks: int = NETWORKS


class Flooder:
    """The process, from outside."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, flood: Flood) -> Counter[str]:
        """Flood; how many were answered how."""
        self._connection.send(flood)
        answers: Counter[str] = await asyncio.to_thread(self._connection.recv)
        return answers


@asynccontextmanager
async def flooder() -> AsyncIterator[Flooder]:
    """A process that floods when it is told to, for as long as the block lasts."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield Flooder(here)
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    configure_logging("bench", "CRITICAL")
    while True:
        connection.send(uvloop.run(_flood(connection.recv())))


async def _flood(flood: Flood) -> Counter[str]:
    answers: Counter[str] = Counter()
    async with open_channel(flood.target, default_timeout=_WAIT) as channel:
        stub = rpc.AccountServiceStub(channel)

        async def one(request: pb.SignInRequest) -> None:
            try:
                await call(stub.SignIn, request)
                answers["ALLOWED"] += 1
            except ServiceError as error:
                answers[str(error.reason)] += 1

        calls, began = [], time.perf_counter()
        for number in range(int(flood.rate * flood.seconds)):
            await asyncio.sleep(max(0.0, began + number / flood.rate - time.perf_counter()))
            calls.append(asyncio.create_task(one(_request(flood, number))))
        await asyncio.gather(*calls)
    return answers


def _request(flood: Flood, number: int) -> pb.SignInRequest:
    device = context_pb.Device(
        id=f"flood-{number}", kind=context_pb.DEVICE_KIND_TV, platform=context_pb.PLATFORM_ANDROID_TV
    )
    email = ""
    if flood.known:
        email = f"{uuid4().hex}@example.com" if number % _KNOWN_EVERY else random.choice(flood.known)
    network = random.randrange(flood.networks)
    ip_address = f"198.{18 + network // 256}.{network % 256}.7"
    return pb.SignInRequest(
        request_id=str(uuid4()),
        email=email,
        password=WRONG_PASSWORD,
        client=context_pb.ClientContext(ip_address=ip_address, device=device, country_code="DE"),
    )
