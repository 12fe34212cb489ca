"""PrivacyService: what download_planning holds about an account, and the end of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from hearthgate.downloadplanning.v1 import privacy_service_pb2 as pb
from hearthgate.downloadplanning.v1 import privacy_service_pb2_grpc as rpc
from libs.rpc.privacy import erased_counts, records, withheld
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.download_planning.storage.privacy import HOLDINGS
from services.download_planning.use_cases.context import Context
from services.download_planning.use_cases.erase_account import erase_account
from services.download_planning.use_cases.export_account import export_account

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["PrivacyService"].full_name


def privacy_registration(context: Context) -> Registration:
    """The service with the caller that its contract names."""
    return Registration(
        add=rpc.add_PrivacyServiceServicer_to_server,
        servicer=PrivacyServicer(context),
        service_name=SERVICE_NAME,
        allowed_callers=frozenset({"gateway"}),
    )


class PrivacyServicer(rpc.PrivacyServiceServicer):
    """Each method does what its comment in the proto says."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ExportAccount(
        self, request: pb.ExportAccountRequest, context: Any
    ) -> AsyncIterator[pb.ExportAccountResponse]:
        """Tells everything that is held about an account."""
        account_id = parse_uuid(request.account_id, "account_id")
        async with aclosing(export_account(self._context, account_id)) as chunks:
            async for chunk in chunks:
                yield pb.ExportAccountResponse(records=records(chunk))
        yield pb.ExportAccountResponse(withheld=withheld(HOLDINGS))

    async def EraseAccount(self, request: pb.EraseAccountRequest, context: Any) -> pb.EraseAccountResponse:
        """Deletes everything that is held about an account."""
        erased = await erase_account(self._context, parse_uuid(request.account_id, "account_id"))
        return pb.EraseAccountResponse(counts=erased_counts(erased.counts), complete=erased.complete)
