"""Reflection v1 and v1alpha, so that grpcurl and ``buf curl`` need no protos of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import grpc
from grpc_reflection.v1alpha import reflection_pb2  # type: ignore[import-untyped]
from grpc_reflection.v1alpha._async import ReflectionServicer  # type: ignore[import-untyped]

SERVICE_NAME_V1: Final = "grpc.reflection.v1.ServerReflection"
SERVICE_NAME_V1ALPHA: Final = "grpc.reflection.v1alpha.ServerReflection"


def add_reflection(service_names: Iterable[str], server: Any) -> None:
    """Register both versions. ``service_names`` are the services to be listed.

    grpcio-reflection ships v1alpha alone; v1 has the same messages on the wire under another name. Its own
    descriptor is in no pool here, so it is served without being listed.
    """
    servicer = ReflectionServicer(service_names=sorted({*service_names, SERVICE_NAME_V1ALPHA}))
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in (SERVICE_NAME_V1, SERVICE_NAME_V1ALPHA):
        server.add_registered_method_handlers(name, {"ServerReflectionInfo": handler})
