"""`hearthgate up`: five services that show what they are, know their callers, and restart under load unnoticed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as identity_rpc
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call, open_channel
from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.postgres_host import free_port
from libs.testing.smtp import SmtpInbox
from tests.e2e.household import SignedIn, Viewer, sign_up, television
from tests.e2e.running import SERVICES, Hearthgate, eventually, passable_folder, up

GATEWAY_SERVICES = {
    f"hearthgate.gateway.v1.{name}Service" for name in ("Account", "Download", "Playback", "Verification")
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A stack, the line that it printed, and a household on it."""

    run: Hearthgate
    line: dict[str, Any]
    household: SignedIn

    def address(self, service: str) -> str:
        return str(self.line["services"][service]["address"])


@pytest.fixture(scope="module")
def stack() -> Iterator[Running]:
    """A stack with an account; its mail goes to a server of ours, which is there for as long as it is needed."""
    with passable_folder() as data:
        inbox = SmtpInbox(port=free_port())

        async def settle(address: str) -> SignedIn:
            async with inbox:
                return await sign_up(address, inbox)

        with up(data, variables={"HEARTHGATE_SMTP_URL": inbox.url}) as run:
            line = run.ready()
            household = asyncio.run(settle(line["services"]["gateway"]["address"]))
            yield Running(run=run, line=line, household=household)


def test_the_json_line_says_where_everything_is_and_no_secret(stack: Running) -> None:
    assert stack.line["event"] == "ready"
    assert stack.line["pid"] == stack.run.pid
    assert stack.line["data"] == str(stack.run.data)
    assert set(stack.line["services"]) == set(SERVICES)
    assert stack.line["smtp"] is None, "ours takes the place of the local one"
    assert stack.line["smsc_port"] > 0
    secrets = [stack.run.secret(name) for name in ("operator_secret", "gateway_secret", "identity_app_password")]
    assert not [secret for secret in secrets if secret in stack.run.stdout + stack.run.stderr]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_the_services_and_describes_messages_with_their_comments(
    version: str, stack: Running
) -> None:
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="hearthgate.gateway.v1.StartStreamRequest"),
    ]
    async with grpc.aio.insecure_channel(stack.address("gateway")) as channel:
        method = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        listed, described = [each async for each in method(iter(asked))]
    assert {each.name for each in listed.list_services_response.service} >= GATEWAY_SERVICES
    files = [FileDescriptorProto.FromString(each) for each in described.file_descriptor_response.file_descriptor_proto]
    playback = next(each for each in files if each.name == "hearthgate/gateway/v1/playback_service.proto")
    number = [message.name for message in playback.message_type].index("StartStreamRequest")
    comments = {tuple(each.path): each.leading_comments for each in playback.source_code_info.location}
    assert comments[(4, number)].strip(), "the message has no comment"
    fields = range(len(playback.message_type[number].field))
    assert all(comments[(4, number, 2, each)].strip() for each in fields), "a field has no comment"


@pytest.mark.parametrize("caller", [None, CallerCredentials("operator", "a-guess"), CallerCredentials("eve", "x")])
async def test_a_leaf_refuses_a_stranger(caller: CallerCredentials | None, stack: Running) -> None:
    async with open_channel(stack.address("identity"), caller=caller) as channel:
        with pytest.raises(ServiceError) as caught:
            await call(identity_rpc.IdentityServiceStub(channel).ListPlans, identity_pb.ListPlansRequest())
    assert caught.value.reason is ErrorReason.CALLER_UNKNOWN


async def test_a_leaf_answers_the_operator_whose_secret_stands_in_the_data_folder(stack: Running) -> None:
    operator = CallerCredentials("operator", stack.run.secret("operator_secret"))
    async with open_channel(stack.address("identity"), caller=operator) as channel:
        answer = await call(identity_rpc.IdentityServiceStub(channel).ListPlans, identity_pb.ListPlansRequest())
    assert "premium" in [plan.plan_id for plan in answer.plans]


def test_a_second_run_on_the_same_folder_is_refused_and_the_first_goes_on(stack: Running) -> None:
    with up(stack.run.data, "--fresh") as second:
        assert second.exit_code() == 1
        assert f"in use by another run (process {stack.run.pid})" in second.stderr
        assert "--data" in second.stderr, "says what to do"
        assert second.stdout == ""
    assert all(stack.run.pid_of(service) for service in SERVICES)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_ended_under_load_comes_back_and_a_retry_cures_all_that_callers_see(
    service: str, stack: Running
) -> None:
    over = asyncio.Event()
    async with AsyncExitStack() as televisions, asyncio.TaskGroup() as tasks:
        address = stack.address("gateway")
        sets = [await televisions.enter_async_context(television(address, stack.household)) for _ in range(3)]
        viewers = [Viewer(tv=tv, over=over) for tv in sets]
        for viewer in viewers:
            tasks.create_task(viewer.watch())
        await asyncio.gather(*(viewer.answers(5) for viewer in viewers))
        old = stack.run.pid_of(service)
        assert old is not None
        os.kill(old, signal.SIGTERM)
        await asyncio.to_thread(eventually, lambda: stack.run.pid_of(service) not in (None, old), f"a new {service}")
        await _until_serving(stack.address(service))
        await asyncio.gather(*(viewer.answers(5) for viewer in viewers))
        over.set()


async def _until_serving(address: str) -> None:
    """Wait until a server answers SERVING."""
    async with asyncio.timeout(20), grpc.aio.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest()
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, wait_for_ready=True)
        while answer.status != health_pb2.HealthCheckResponse.SERVING:
            await asyncio.sleep(0.05)
            answer = await health_pb2_grpc.HealthStub(channel).Check(request, wait_for_ready=True)
