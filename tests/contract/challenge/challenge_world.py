"""What the tests of the challenge service speak with: callers, requests, and a world of real parts."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from hearthgate.challenge.v1 import challenge_service_pb2_grpc as rpc
from hearthgate.common.v1 import client_context_pb2, standing_pb2
from libs.persistence.database import Database
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call
from libs.rpc.server import Server
from libs.runtime.clock import FakeClock
from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox
from services.challenge.assembly import Parts
from services.challenge.settings import ChallengeSettings

GATEWAY: Final = CallerCredentials("gateway", "gateway-secret")
OPERATOR: Final = CallerCredentials("operator", "operator-secret")
STRANGER: Final = CallerCredentials("identity", "identity-secret")

EMAIL: Final = standing_pb2.CHANNEL_EMAIL
TEXT: Final = standing_pb2.CHANNEL_TEXT
TRUSTED_DEVICE: Final = standing_pb2.CHANNEL_TRUSTED_DEVICE
CONFIRM_HOUSEHOLD: Final = pb.CHALLENGE_PURPOSE_CONFIRM_HOUSEHOLD

OWNER: Final = "olive.owner@mailbox.example"
PHONE: Final = "+491701234567"
TV: Final = "tv-1"
HOME_PHONE: Final = "phone-at-home"

_CODE: Final = re.compile(r"(?<!\d)\d{6}(?!\d)")

StartReplica = Callable[..., Awaitable["Replica"]]


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One running instance with a stub for each caller."""

    gateway: rpc.ChallengeServiceStub
    operator: rpc.ChallengeServiceStub
    stranger: rpc.ChallengeServiceStub
    parts: Parts
    server: Server
    stop: Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class World:
    """One replica, its database, mailbox and phone, and an account that it never saw."""

    replica: Replica
    settings: ChallengeSettings
    database: Database
    clock: FakeClock
    inbox: SmtpInbox
    smsc: Smsc
    account: UUID

    @property
    def gateway(self) -> rpc.ChallengeServiceStub:
        """The stub of the caller that may do nearly everything."""
        return self.replica.gateway

    async def create(self, **changes: Any) -> pb.Challenge:
        """Ask for a proof."""
        answer: pb.CreateChallengeResponse = await call(self.gateway.CreateChallenge, self.creation(**changes))
        return answer.challenge

    def creation(self, **changes: Any) -> pb.CreateChallengeRequest:
        """A request for an emailed household code, with changes."""
        fields: dict[str, Any] = {
            "request_id": str(uuid4()),
            "account_id": str(self.account),
            "requester": requester(),
            "purpose": CONFIRM_HOUSEHOLD,
            "channel": EMAIL,
            "destination": OWNER,
        }
        return pb.CreateChallengeRequest(**(fields | changes))

    async def verify(self, challenge: pb.Challenge, code: str, **changes: Any) -> pb.VerifyChallengeResponse:
        """Enter a code on the device that asked."""
        request = self.verification(challenge, code, **changes)
        answer: pb.VerifyChallengeResponse = await call(self.gateway.VerifyChallenge, request)
        return answer

    def verification(self, challenge: pb.Challenge, code: str, **changes: Any) -> pb.VerifyChallengeRequest:
        """A request that enters a code, with changes."""
        fields: dict[str, Any] = {
            "request_id": str(uuid4()),
            "account_id": challenge.account_id,
            "challenge_id": challenge.challenge_id,
            "device_id": challenge.requester.device.id,
            "code": code,
        }
        return pb.VerifyChallengeRequest(**(fields | changes))

    async def get(self, challenge: pb.Challenge) -> pb.Challenge:
        """Read a challenge."""
        request = pb.GetChallengeRequest(account_id=challenge.account_id, challenge_id=challenge.challenge_id)
        answer: pb.GetChallengeResponse = await call(self.gateway.GetChallenge, request)
        return answer.challenge

    async def decide(self, challenge: pb.Challenge, device: str, *, approve: bool) -> pb.Challenge:
        """Answer a question on a device."""
        request = pb.DecideChallengeRequest(
            account_id=challenge.account_id,
            challenge_id=challenge.challenge_id,
            deciding_device_id=device,
            approve=approve,
        )
        answer: pb.DecideChallengeResponse = await call(self.gateway.DecideChallenge, request)
        return answer.challenge

    async def resend(self, challenge: pb.Challenge, **changes: Any) -> pb.Challenge:
        """Send the code again."""
        fields: dict[str, Any] = {
            "request_id": str(uuid4()),
            "account_id": challenge.account_id,
            "challenge_id": challenge.challenge_id,
            "destination": OWNER,
        }
        request = pb.ResendChallengeRequest(**(fields | changes))
        answer: pb.ResendChallengeResponse = await call(self.gateway.ResendChallenge, request)
        return answer.challenge

    async def code_of(self, challenge: pb.Challenge) -> str:
        """The code in the challenge's first mail."""
        message_id = challenge.deliveries[0].delivery_id
        mail = await self.inbox.wait_for(OWNER, lambda mail: message_id in mail.message_id)
        return code_in(mail.text)


def requester(device: str = TV, *, name: str = "Living room", country: str = "ES") -> pb.Requester:
    """A television that asks."""
    return pb.Requester(
        device=client_context_pb2.Device(
            id=device,
            kind=client_context_pb2.DEVICE_KIND_TV,
            name=name,
            platform=client_context_pb2.PLATFORM_TIZEN,
        ),
        country_code=country,
    )


def code_in(text: str) -> str:
    """The code that a message carries."""
    match = _CODE.search(text)
    assert match is not None, "the message carries a code"
    return match[0]


def wrong(code: str) -> str:
    """Another code than this one."""
    return f"{(int(code) + 1) % 1_000_000:06d}"
