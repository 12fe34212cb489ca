"""PrivacyService over the use cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from hearthgate.common.v1 import privacy_pb2 as common_pb
from hearthgate.gateway.v1 import privacy_service_pb2 as pb
from hearthgate.gateway.v1 import privacy_service_pb2_grpc as rpc
from services.gateway.clients.conversions import client, timestamp, to_enum
from services.gateway.domain.erasure import Erasure
from services.gateway.use_cases.cancel_erasure import cancel_erasure
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.erase_account import EraseAccount, erase_account, erase_account_as_operator
from services.gateway.use_cases.export_account import export_account, export_account_as_operator
from services.gateway.use_cases.get_erasure import get_erasure


class PrivacyServicer(rpc.PrivacyServiceServicer):
    """A copy of what is held about an account, and its end."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ExportAccount(
        self, request: pb.ExportAccountRequest, context: Any
    ) -> AsyncIterator[pb.ExportAccountResponse]:
        exported = export_account(self._context, request.session_token, client(request.client), request.password)
        async with aclosing(exported) as pieces:
            async for piece in pieces:
                yield pb.ExportAccountResponse(data=piece)

    async def ExportAccountAsOperator(
        self, request: pb.ExportAccountAsOperatorRequest, context: Any
    ) -> AsyncIterator[pb.ExportAccountAsOperatorResponse]:
        async with aclosing(export_account_as_operator(self._context, UUID(request.account_id))) as pieces:
            async for piece in pieces:
                yield pb.ExportAccountAsOperatorResponse(data=piece)

    async def EraseAccount(self, request: pb.EraseAccountRequest, context: Any) -> pb.EraseAccountResponse:
        command = EraseAccount(
            request_id=UUID(request.request_id),
            session_token=request.session_token,
            client=client(request.client),
            password=request.password,
        )
        return pb.EraseAccountResponse(erasure=_erasure(await erase_account(self._context, command)))

    async def EraseAccountAsOperator(
        self, request: pb.EraseAccountAsOperatorRequest, context: Any
    ) -> pb.EraseAccountAsOperatorResponse:
        erasure = await erase_account_as_operator(self._context, UUID(request.account_id), at_once=request.at_once)
        return pb.EraseAccountAsOperatorResponse(erasure=_erasure(erasure))

    async def GetErasure(self, request: pb.GetErasureRequest, context: Any) -> pb.GetErasureResponse:
        return pb.GetErasureResponse(erasure=_erasure(await get_erasure(self._context, UUID(request.erasure_id))))

    async def CancelErasure(self, request: pb.CancelErasureRequest, context: Any) -> pb.CancelErasureResponse:
        erasure = await cancel_erasure(self._context, UUID(request.erasure_id))
        return pb.CancelErasureResponse(erasure=_erasure(erasure))


def _erasure(erasure: Erasure) -> pb.Erasure:
    return pb.Erasure(
        erasure_id=str(erasure.erasure_id),
        state=to_enum(pb.ErasureState, "ERASURE_STATE_", erasure.state),
        request_time=timestamp(erasure.request_time),
        erase_time=timestamp(erasure.erase_time),
        done_time=timestamp(erasure.done_time),
        counts=[common_pb.ErasedCount(kind=kind, count=count) for kind, count in sorted(erasure.counts.items())],
        next_step=erasure.step,
    )
