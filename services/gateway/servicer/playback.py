"""PlaybackService over the use cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.gateway.v1 import playback_service_pb2 as pb
from hearthgate.gateway.v1 import playback_service_pb2_grpc as rpc
from services.gateway import answers
from services.gateway.clients.conversions import client
from services.gateway.servicer.platforms import platform_name
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.explain_decision import explain_decision
from services.gateway.use_cases.get_grant_keys import get_grant_keys
from services.gateway.use_cases.list_streams import list_streams
from services.gateway.use_cases.renew_stream import RenewStream, renew_stream
from services.gateway.use_cases.start_stream import StartStream, start_stream
from services.gateway.use_cases.stop_stream import stop_stream


class PlaybackServicer(rpc.PlaybackServiceServicer):
    """Whether a stream may start, and the streams that run."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def StartStream(self, request: pb.StartStreamRequest, context: Any) -> pb.StartStreamResponse:
        command = StartStream(
            request_id=UUID(request.request_id),
            body_digest=self._context.body_digest(request),
            session_token=request.session_token,
            profile_id=UUID(request.profile_id),
            title_id=request.title_id,
            client=client(request.client),
            platform=platform_name(request.client.device.platform),
            stop_stream_ids=tuple(UUID(each) for each in request.stop_stream_ids),
        )
        say = self._context.languages.closest(command.client.language)
        return answers.start_response(await start_stream(self._context, command), self._context.grants, say)

    async def RenewStream(self, request: pb.RenewStreamRequest, context: Any) -> pb.RenewStreamResponse:
        command = RenewStream(
            session_token=request.session_token,
            stream_id=UUID(request.stream_id),
            fencing_token=request.fencing_token,
            client=client(request.client),
            platform=platform_name(request.client.device.platform),
        )
        say = self._context.languages.closest(command.client.language)
        return answers.renew_response(await renew_stream(self._context, command), self._context.grants, say)

    async def StopStream(self, request: pb.StopStreamRequest, context: Any) -> pb.StopStreamResponse:
        asking = client(request.client)
        stopped = await stop_stream(self._context, request.session_token, asking, UUID(request.stream_id))
        return pb.StopStreamResponse(stopped=stopped)

    async def ListStreams(self, request: pb.ListStreamsRequest, context: Any) -> pb.ListStreamsResponse:
        streams, most = await list_streams(self._context, request.session_token, client(request.client))
        return pb.ListStreamsResponse(streams=[answers.active_stream(each) for each in streams], max_streams=most)

    async def ExplainDecision(self, request: pb.ExplainDecisionRequest, context: Any) -> pb.ExplainDecisionResponse:
        record = await explain_decision(self._context, UUID(request.account_id), UUID(request.decision_id))
        return answers.explanation(record)

    async def GetGrantKeys(self, request: pb.GetGrantKeysRequest, context: Any) -> pb.GetGrantKeysResponse:
        return pb.GetGrantKeysResponse(jwks_json=await get_grant_keys(self._context))
