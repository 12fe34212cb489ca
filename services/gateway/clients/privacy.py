"""The gateway's view of what the leaves hold about an account. Every method raises ServiceError."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from hearthgate.challenge.v1 import privacy_service_pb2 as challenge_pb
from hearthgate.challenge.v1 import privacy_service_pb2_grpc as challenge_rpc
from hearthgate.devicetrust.v1 import privacy_service_pb2 as trust_pb
from hearthgate.devicetrust.v1 import privacy_service_pb2_grpc as trust_rpc
from hearthgate.downloadplanning.v1 import privacy_service_pb2 as planning_pb
from hearthgate.downloadplanning.v1 import privacy_service_pb2_grpc as planning_rpc
from hearthgate.identity.v1 import privacy_service_pb2 as identity_pb
from hearthgate.identity.v1 import privacy_service_pb2_grpc as identity_rpc
from libs.rpc.channel import Channel, call, call_stream

LEAVES: Final = ("identity", "device_trust", "challenge", "download_planning")
MOST_DESTINATIONS: Final = 1_000
"""How many of each kind the challenge service takes in one call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPage:
    """Some of what a leaf holds: (kind, JSON) each; at the end also what it does not tell: (kind, reason)."""

    records: Sequence[tuple[str, str]] = field(repr=False)
    withheld: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Destinations:
    """Addresses and numbers: ``own`` are the owner's, those of before included, ``others`` other people's."""

    own: tuple[str, ...] = field(repr=False)
    others: tuple[str, ...] = field(repr=False)


class PrivacyClient:
    """The PrivacyServices of the four leaves."""

    def __init__(
        self, *, identity: Channel, device_trust: Channel, challenge: Channel, download_planning: Channel
    ) -> None:
        self._identity = identity_rpc.PrivacyServiceStub(identity)
        self._leaves: dict[str, tuple[Any, Any]] = {
            "identity": (self._identity, identity_pb),
            "device_trust": (trust_rpc.PrivacyServiceStub(device_trust), trust_pb),
            "challenge": (challenge_rpc.PrivacyServiceStub(challenge), challenge_pb),
            "download_planning": (planning_rpc.PrivacyServiceStub(download_planning), planning_pb),
        }

    async def export(self, leaf: str, account_id: UUID, destinations: Sequence[str]) -> AsyncGenerator[ExportPage]:
        """Everything that a leaf holds. ``destinations`` are the owner's, for the challenge service. Close it early."""
        stub, messages = self._leaves[leaf]
        request = messages.ExportAccountRequest(**_fields(leaf, account_id, destinations))
        async with aclosing(call_stream(stub.ExportAccount, request)) as answers:
            async for answer in answers:
                yield ExportPage(
                    records=[(each.kind, each.json) for each in answer.records],
                    withheld=[(each.kind, each.reason) for each in answer.withheld],
                )

    async def erase(
        self, leaf: str, account_id: UUID, destinations: Sequence[str] = (), others: Sequence[str] = ()
    ) -> tuple[Mapping[str, int], bool]:
        """How much a leaf deleted now, by kind, and whether nothing is left there."""
        stub, messages = self._leaves[leaf]
        request = messages.EraseAccountRequest(**_fields(leaf, account_id, destinations))
        if others:
            request.other_destinations.extend(others)
        answer = await call(stub.EraseAccount, request)
        return {each.kind: each.count for each in answer.counts}, answer.complete

    async def list_destinations(self, account_id: UUID) -> Destinations:
        """Every address and number that is held for an account; none for one that is not known."""
        request = identity_pb.ListDestinationsRequest(account_id=str(account_id))
        answer = await call(self._identity.ListDestinations, request)
        return Destinations(own=tuple(answer.own_destinations), others=tuple(answer.other_destinations))

    async def close_account(self, account_id: UUID, fence: int) -> int:
        """Let nothing start any more; how many sessions ended by it. Raises NOT_FOUND; CONCURRENT_CHANGE: overtaken."""
        request = identity_pb.CloseAccountRequest(account_id=str(account_id), fence=fence)
        return (await call(self._identity.CloseAccount, request)).ended_session_count

    async def reopen_account(self, account_id: UUID, fence: int) -> None:
        """Let it be what it was before it was closed. Raises NOT_FOUND; CONCURRENT_CHANGE: overtaken."""
        request = identity_pb.ReopenAccountRequest(account_id=str(account_id), fence=fence)
        await call(self._identity.ReopenAccount, request)


def _fields(leaf: str, account_id: UUID, destinations: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"account_id": str(account_id)}
    return fields | {"destinations": list(destinations)} if leaf == "challenge" else fields
