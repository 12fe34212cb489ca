"""Reflection v1 and v1alpha, so that grpcurl and ``buf curl`` need no protos of their own.

Generated code leaves comments out. Where the stubs' package brings the descriptors with their comments, those are
given, so that ``grpcurl describe`` tells what a message and a field mean.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import cached_property
from importlib import resources
from typing import Any, Final

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

SERVICE_NAME_V1: Final = "grpc.reflection.v1.ServerReflection"
SERVICE_NAME_V1ALPHA: Final = "grpc.reflection.v1alpha.ServerReflection"
_STUBS: Final = "hearthgate"
_DESCRIPTORS: Final = "descriptors.binpb"


class CommentedReflectionServicer(ReflectionServicer):  # type: ignore[misc]  # the library has no types
    """grpcio-reflection's servicer, with comments where they are known."""

    async def ServerReflectionInfo(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        """Answers each question, as the protocol says."""
        async for answer in super().ServerReflectionInfo(request_iterator, context):
            if answer.HasField("file_descriptor_response"):
                files = answer.file_descriptor_response.file_descriptor_proto
                files[:] = [self._commented.get(FileDescriptorProto.FromString(file).name, file) for file in files]
            yield answer

    @cached_property
    def _commented(self) -> dict[str, bytes]:
        """File name -> descriptor with comments; read at the first question."""
        try:
            content = (resources.files(_STUBS) / _DESCRIPTORS).read_bytes()
        except (ModuleNotFoundError, FileNotFoundError):
            return {}
        return {file.name: file.SerializeToString() for file in FileDescriptorSet.FromString(content).file}


def add_reflection(service_names: Iterable[str], server: Any) -> None:
    """Register both versions. ``service_names`` are the services to be listed.

    grpcio-reflection ships v1alpha alone; v1 has the same messages on the wire under another name. Its own
    descriptor is in no pool here, so it is served without being listed.
    """
    servicer = CommentedReflectionServicer(service_names=sorted({*service_names, SERVICE_NAME_V1ALPHA}))
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in (SERVICE_NAME_V1, SERVICE_NAME_V1ALPHA):
        server.add_registered_method_handlers(name, {"ServerReflectionInfo": handler})
