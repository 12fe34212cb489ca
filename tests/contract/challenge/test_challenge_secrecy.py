"""No plain code and no destination at rest or in a log: the whole process, searched for what it was told."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import grpc
import pytest_asyncio
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from hearthgate.challenge.v1 import challenge_service_pb2_grpc as rpc
from libs.persistence.dsn import ServiceDsns
from libs.rpc.channel import call, open_channel
from libs.runtime.keys import new_secret, secret_digest
from libs.testing.plugin import ServiceDatabaseFactory
from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox, SmtpStep
from tests.contract.challenge.challenge_world import EMAIL, GATEWAY, TEXT, code_in, requester, wrong

_ADDRESS = "canary.bird@mine.example"
_PHONE = "+4917098765432"


class Collector(TraceServiceServicer, MetricsServiceServicer):
    """Takes traces and metrics by OTLP, and keeps them as text."""

    def __init__(self) -> None:
        self.spans = 0
        self.kept: list[str] = []

    async def Export(self, request: Any, context: Any) -> Any:
        """Take some in."""
        self.kept.append(str(request))
        if isinstance(request, ExportTraceServiceRequest):
            self.spans += sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)
            return ExportTraceServiceResponse()
        return ExportMetricsServiceResponse()


@pytest_asyncio.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    """A collector and its address."""
    server, taken = grpc.aio.server(), Collector()
    add_TraceServiceServicer_to_server(taken, server)  # type: ignore[no-untyped-call]  # generated without types
    add_MetricsServiceServicer_to_server(taken, server)  # type: ignore[no-untyped-call]  # likewise
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield taken, f"http://127.0.0.1:{port}"
    await server.stop(1)


async def test_codes_and_destinations_are_neither_at_rest_nor_in_a_log_nor_in_a_trace(
    service_database: ServiceDatabaseFactory, inbox: SmtpInbox, smsc: Smsc, collector: tuple[Collector, str]
) -> None:
    dsns = await service_database("challenge")
    environment = {
        "HEARTHGATE_DATABASE_URL": dsns.app,
        "HEARTHGATE_CALLERS": json.dumps({GATEWAY.name: [secret_digest(GATEWAY.secret)]}),
        "HEARTHGATE_SMTP_URL": inbox.url,
        "HEARTHGATE_TEXT_URL": smsc.url,
        "HEARTHGATE_CODE_PEPPER": new_secret(),
        "HEARTHGATE_SEALING_KEYS": new_secret(),
        "HEARTHGATE_LOG_LEVEL": "DEBUG",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector[1],
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    account, secrets = str(uuid4()), [_ADDRESS, _ADDRESS.partition("@")[0], _PHONE, _PHONE[3:]]
    inbox.reply_next("550 5.1.1 canary.bird@mine.example does not live here", at=SmtpStep.RCPT)
    async with running_service(environment) as (stub, log):
        for number, (channel, destination) in enumerate([(EMAIL, _ADDRESS), (EMAIL, _ADDRESS), (TEXT, _PHONE)]):
            request = pb.CreateChallengeRequest(
                request_id=str(uuid4()),
                account_id=account,
                requester=requester(f"tv-{number}"),
                purpose=pb.CHALLENGE_PURPOSE_CONFIRM_HOUSEHOLD,
                channel=channel,
                destination=destination,
            )
            challenge = (await call(stub.CreateChallenge, request)).challenge
            await await_delivery(stub, challenge)
            messages = [mail.text for mail in inbox.mails] + [text.text for text in smsc.texts]
            if number == 0:
                assert not messages, "the first mail bounces"
                continue
            code = code_in(messages[-1])
            secrets.append(code)
            assert not [secret for secret in secrets if secret in await everything_at_rest(dsns)]
            for entered in (wrong(code), code):
                verify = pb.VerifyChallengeRequest(
                    request_id=str(uuid4()),
                    account_id=account,
                    challenge_id=challenge.challenge_id,
                    device_id=f"tv-{number}",
                    code=entered,
                )
                secrets.append(entered)
                await call(stub.VerifyChallenge, verify)
    assert not [secret for secret in secrets if secret in await everything_at_rest(dsns)]
    assert len(log) > 5, "the service did log"
    assert not [secret for secret in secrets if any(secret in without_ids(line) for line in log)]
    taken = collector[0]
    assert taken.spans > 5, "calls and statements were traced"
    # Six digits may stand in an id or a time by chance; a code would stand as a value of its own.
    assert not [secret for secret in secrets if any(f'"{secret}"' in each for each in taken.kept)]
    assert not [secret for secret in secrets if len(secret) > 6 and any(secret in each for each in taken.kept)]


async def await_delivery(stub: rpc.ChallengeServiceStub, challenge: pb.Challenge) -> None:
    """Return when the provider has answered."""
    request = pb.WatchChallengeRequest(account_id=challenge.account_id, challenge_id=challenge.challenge_id)
    async with asyncio.timeout(10):
        async for shown in stub.WatchChallenge(request):
            if shown.challenge.deliveries[0].state != pb.DELIVERY_STATE_QUEUED:
                return


@asynccontextmanager
async def running_service(
    environment: dict[str, str],
) -> AsyncIterator[tuple[rpc.ChallengeServiceStub, list[str]]]:
    """The service as a process; its log lines are complete after the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.challenge.main"),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    log: list[str] = []
    try:
        async with asyncio.timeout(20):
            while not log or json.loads(log[-1])["event"] != "listening":
                log.append((await process.stderr.readline()).decode())
        async with open_channel(f"127.0.0.1:{json.loads(log[-1])['port']}", caller=GATEWAY) as channel:
            yield rpc.ChallengeServiceStub(channel), log
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
        log += rest.decode().splitlines()
    assert process.returncode == 0


def without_ids(line: str) -> str:
    """A log line without its times and ids, in which six digits may stand by chance."""
    record = json.loads(line)
    return json.dumps({key: value for key, value in record.items() if key != "timestamp" and not key.endswith("_id")})


async def everything_at_rest(dsns: ServiceDsns) -> str:
    """Every table as text, without ids and times, in which six digits may stand by chance."""
    connection = await asyncpg.connect(dsns.owner)
    try:
        columns = await connection.fetch(
            "select table_name, column_name, udt_name from information_schema.columns where table_schema = 'public'"
        )
        parts = []
        for table, column, kind in columns:
            value = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            if kind.lstrip("_") not in ("uuid", "timestamptz"):
                parts += [str(row[0]) for row in await connection.fetch(f"select {value} from {table}")]  # noqa: S608
        return "\n".join(parts)
    finally:
        await connection.close()
