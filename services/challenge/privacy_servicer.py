"""PrivacyService: what the challenge service holds about an account, and the end of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import grpc

from hearthgate.challenge.v1 import privacy_service_pb2 as pb
from hearthgate.challenge.v1 import privacy_service_pb2_grpc as rpc
from libs.rpc.privacy import erased_counts, records, withheld
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.challenge.storage.privacy import HOLDINGS
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.erase_account import erase_account
from services.challenge.use_cases.export_account import export_account

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["PrivacyService"].full_name

RpcContext = grpc.aio.ServicerContext[Any, Any]


def privacy_registration(context: Context) -> Registration:
    """The service with the caller that its contract names."""
    return Registration(
        add=rpc.add_PrivacyServiceServicer_to_server,
        servicer=PrivacyServicer(context),
        service_name=SERVICE_NAME,
        allowed_callers=frozenset({"gateway"}),
    )


class PrivacyServicer(rpc.PrivacyServiceServicer):
    """``hearthgate.challenge.v1.PrivacyService``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ExportAccount(
        self, request: pb.ExportAccountRequest, _: RpcContext
    ) -> AsyncIterator[pb.ExportAccountResponse]:
        """Tells everything that is held about an account."""
        account_id, destinations = parse_uuid(request.account_id, "account_id"), list(request.destinations)
        async with aclosing(export_account(account_id, destinations, context=self._context)) as chunks:
            async for chunk in chunks:
                yield pb.ExportAccountResponse(records=records(chunk))
        yield pb.ExportAccountResponse(withheld=withheld(HOLDINGS))

    async def EraseAccount(self, request: pb.EraseAccountRequest, _: RpcContext) -> pb.EraseAccountResponse:
        """Deletes everything that is held about an account."""
        account_id, destinations = parse_uuid(request.account_id, "account_id"), list(request.destinations)
        others = list(request.other_destinations)
        erased = await erase_account(account_id, destinations, others, context=self._context)
        return pb.EraseAccountResponse(counts=erased_counts(erased.counts), complete=erased.complete)
