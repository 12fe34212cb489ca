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


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPage:
    """Some of what a leaf holds: (kind, JSON) each; at the end also what it does not tell: (kind, reason)."""

    records: Sequence[tuple[str, str]] = field(repr=False)
    withheld: Sequence[tuple[str, str]] = ()


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
        self, leaf: str, account_id: UUID, destinations: Sequence[str] = ()
    ) -> tuple[Mapping[str, int], bool]:
        """How much a leaf deleted now, by kind, and whether nothing is left there."""
        stub, messages = self._leaves[leaf]
        request = messages.EraseAccountRequest(**_fields(leaf, account_id, destinations))
        answer = await call(stub.EraseAccount, request)
        return {each.kind: each.count for each in answer.counts}, answer.complete

    async def close_account(self, account_id: UUID) -> int:
        """Let nothing start any more; how many sessions ended by it. Raises NOT_FOUND."""
        request = identity_pb.CloseAccountRequest(account_id=str(account_id))
        return (await call(self._identity.CloseAccount, request)).ended_session_count

    async def reopen_account(self, account_id: UUID, *, on_hold: bool) -> None:
        """Let it be used again. Raises NOT_FOUND, STATE_CONFLICT."""
        request = identity_pb.ReopenAccountRequest(account_id=str(account_id), on_hold=on_hold)
        await call(self._identity.ReopenAccount, request)


def _fields(leaf: str, account_id: UUID, destinations: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"account_id": str(account_id)}
    return fields | {"destinations": list(destinations)} if leaf == "challenge" else fields
