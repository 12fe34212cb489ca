"""A household's television as a client of the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

import grpc

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as pb
from hearthgate.gateway.v1 import playback_service_pb2_grpc as rpc
from libs.devstack.device import Device, Person, code_in
from libs.rpc.channel import open_channel
from libs.testing.smtp import SmtpInbox

ADA = Person(name="Ada", email="ada@example.com", password="four-words-nobody-guesses")
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_BUDGET_BYTES = 2_000_000_000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """What a device keeps of a sign-in."""

    session_token: str = field(repr=False)
    profile_id: str


@asynccontextmanager
async def television(gateway: str, signed_in: SignedIn | None = None) -> AsyncIterator[Device]:
    """The living room's television, at home."""
    async with open_channel(gateway) as channel:
        yield Device(
            name="Living-room TV",
            device_id="living-room-tv",
            kind=context_pb.DEVICE_KIND_TV,
            platform=context_pb.PLATFORM_TIZEN,
            ip_address="203.0.113.10",
            country_code="DE",
            channel=channel,
            session_token=signed_in.session_token if signed_in else "",
            profile_id=signed_in.profile_id if signed_in else "",
        )


async def sign_up(gateway: str, inbox: SmtpInbox) -> SignedIn:
    """Make Ada's account, with the code from her mailbox."""
    async with television(gateway) as tv:
        sign_up_id = await tv.sign_up(ADA)
        mail = await inbox.wait_for(ADA.email, timeout=20)
        await tv.complete_sign_up(sign_up_id, code_in(mail.text))
        return SignedIn(session_token=tv.session_token, profile_id=tv.profile_id)


@dataclass(kw_only=True)
class Viewer:
    """Somebody who never stops: starts, renews, starts the next one. Counts what was answered and what was refused."""

    tv: Device
    over: asyncio.Event
    answered: int = 0
    unavailable: int = 0
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self) -> None:
        """Until it is over. Raises AioRpcError for any error but UNAVAILABLE, and where that does not pass."""
        playback, stream = rpc.PlaybackServiceStub(self.tv.channel), ""
        while not self.over.is_set():
            start = pb.StartStreamRequest(
                request_id=str(uuid4()),
                session_token=self.tv.session_token,
                profile_id=self.tv.profile_id,
                title_id="film-lighthouse",
                client=self.tv.context(),
                stop_stream_ids=[stream] if stream else [],
            )
            started = await self._patiently(lambda start=start: playback.StartStream(start))  # type: ignore[misc]  # bound early
            assert started.outcome == decision_pb.OUTCOME_ALLOWED, started
            stream = started.stream.stream_id
            renewed = await self._patiently(lambda started=started: self.tv.renew(started.stream))  # type: ignore[misc]  # bound early
            assert renewed.outcome == decision_pb.OUTCOME_ALLOWED, renewed
            await self._patiently(self.tv.pending_verifications)
            await self._patiently(lambda: self.tv.configure_downloads(_BUDGET_BYTES))
        await self._patiently(lambda: playback.StopStream(self._stop_of(stream)))

    async def answers(self, further: int) -> None:
        """Wait until it had so many further answers."""
        wanted = self.answered + further
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.answered < wanted:
                self._progress.clear()
                await self._progress.wait()

    def _stop_of(self, stream_id: str) -> pb.StopStreamRequest:
        token, client = self.tv.session_token, self.tv.context()
        return pb.StopStreamRequest(session_token=token, stream_id=stream_id, client=client)

    async def _patiently(self, send: Callable[[], Awaitable[T]]) -> T:
        """The answer to a request that is sent again, the same, while its answer is UNAVAILABLE."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            try:
                answer = await send()
            except grpc.aio.AioRpcError as error:
                late = asyncio.get_running_loop().time() > deadline
                if late or error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                self.unavailable += 1
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self.answered += 1
                self._progress.set()
                return answer
