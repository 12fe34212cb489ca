"""PrivacyService: what identity holds about an account, and the end of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

import grpc

from hearthgate.identity.v1 import privacy_service_pb2 as pb
from hearthgate.identity.v1 import privacy_service_pb2_grpc as rpc
from libs.rpc.privacy import erased_counts, records, withheld
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.identity.storage.privacy import holdings
from services.identity.use_cases.close_account import close_account
from services.identity.use_cases.context import Identity
from services.identity.use_cases.erase_account import erase_account
from services.identity.use_cases.export_account import export_account
from services.identity.use_cases.list_destinations import list_destinations
from services.identity.use_cases.reopen_account import reopen_account

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["PrivacyService"].full_name
Context = grpc.aio.ServicerContext[Any, Any]


def privacy_registration(identity: Identity) -> Registration:
    """The service with the caller that its contract names."""
    return Registration(
        add=rpc.add_PrivacyServiceServicer_to_server,
        servicer=PrivacyServicer(identity),
        service_name=SERVICE_NAME,
        allowed_callers=frozenset({"gateway"}),
    )


class PrivacyServicer(rpc.PrivacyServiceServicer):
    """The gRPC face of the use cases; the contract's comments stand in the proto."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def ExportAccount(
        self, request: pb.ExportAccountRequest, context: Context
    ) -> AsyncIterator[pb.ExportAccountResponse]:
        account_id = _account_id(request.account_id)
        async with aclosing(export_account(account_id, identity=self._identity)) as chunks:
            async for chunk in chunks:
                yield pb.ExportAccountResponse(records=records(chunk))
        yield pb.ExportAccountResponse(withheld=withheld(holdings(self._identity.keys, account_id)))

    async def EraseAccount(self, request: pb.EraseAccountRequest, context: Context) -> pb.EraseAccountResponse:
        erased = await erase_account(_account_id(request.account_id), identity=self._identity)
        return pb.EraseAccountResponse(counts=erased_counts(erased.counts), complete=erased.complete)

    async def ListDestinations(
        self, request: pb.ListDestinationsRequest, context: Context
    ) -> pb.ListDestinationsResponse:
        found = await list_destinations(_account_id(request.account_id), identity=self._identity)
        return pb.ListDestinationsResponse(own_destinations=found.own, other_destinations=found.others)

    async def CloseAccount(self, request: pb.CloseAccountRequest, context: Context) -> pb.CloseAccountResponse:
        ended = await close_account(_account_id(request.account_id), request.fence, identity=self._identity)
        return pb.CloseAccountResponse(ended_session_count=ended)

    async def ReopenAccount(self, request: pb.ReopenAccountRequest, context: Context) -> pb.ReopenAccountResponse:
        await reopen_account(_account_id(request.account_id), request.fence, identity=self._identity)
        return pb.ReopenAccountResponse()


def _account_id(text: str) -> UUID:
    return parse_uuid(text, "account_id")
