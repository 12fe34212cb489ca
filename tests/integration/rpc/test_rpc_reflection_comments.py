"""Reflection tells what the contracts say in their comments."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2

from hearthgate.gateway.v1 import playback_service_pb2
from libs.rpc.reflection import CommentedReflectionServicer

SERVICE = "hearthgate.gateway.v1.PlaybackService"


async def _descriptors(symbol: str) -> dict[str, FileDescriptorProto]:
    async def questions() -> object:
        yield reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)

    servicer = CommentedReflectionServicer(service_names=[SERVICE])
    async for answer in servicer.ServerReflectionInfo(questions(), None):
        files = [FileDescriptorProto.FromString(each) for each in answer.file_descriptor_response.file_descriptor_proto]
        return {file.name: file for file in files}
    raise AssertionError("no answer")


async def test_a_described_service_comes_with_its_comments_and_with_all_that_it_imports() -> None:
    files = await _descriptors(SERVICE)
    comments = " ".join(
        each.leading_comments
        for each in files["hearthgate/gateway/v1/playback_service.proto"].source_code_info.location
    )
    assert "Decides whether a stream may start" in comments
    assert {"hearthgate/common/v1/client_context.proto", "buf/validate/validate.proto"} <= files.keys()


async def test_the_commented_descriptor_describes_the_very_messages_that_are_served() -> None:
    name = playback_service_pb2.DESCRIPTOR.name
    served = FileDescriptorProto()
    playback_service_pb2.DESCRIPTOR.CopyToProto(served)
    commented = (await _descriptors(SERVICE))[name]
    commented.ClearField("source_code_info")
    for message in commented.message_type:
        for field in message.field:
            # Derived from the name; generated code leaves it out.
            field.ClearField("json_name")
        for nested in message.nested_type:
            for field in nested.field:
                field.ClearField("json_name")
    assert commented == served
