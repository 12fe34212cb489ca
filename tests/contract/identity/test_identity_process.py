"""The service as a process: it starts from its environment, serves, logs nothing personal, and stops in order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as rpc
from libs.rpc.channel import call, open_channel
from libs.runtime.errors import ErrorReason
from libs.runtime.keys import secret_digest
from libs.testing.plugin import ServiceDatabaseFactory
from tests.contract.identity.identity_world import GATEWAY, PASSWORD, PHONE, new_id, refused

ROOT = Path(__file__).parents[3]
EMAIL = "ada.lovelace@example.com"


async def start(**variables: str) -> asyncio.subprocess.Process:
    """Start the service with these variables and none of ours."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "libs" / "stubs")))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths} | variables
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.identity.main"),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )


async def listening_port(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """The port it says it listens on, and what it logged until then."""
    assert process.stderr is not None
    log = ""
    async with asyncio.timeout(30):
        while line := (await process.stderr.readline()).decode():
            log += line
            if json.loads(line)["event"] == "listening":
                return int(json.loads(line)["port"]), log
    raise AssertionError(log)


async def talk(port: int) -> pb.SessionTokens:
    """Sign up, sign in with the right and the wrong password, open a session and use a token twice."""
    async with open_channel(f"127.0.0.1:{port}", caller=GATEWAY) as channel:
        stub = rpc.IdentityServiceStub(channel)
        sign_up = pb.CreateAccountRequest(
            request_id=new_id(), email=EMAIL, phone=PHONE, password=PASSWORD, country_code="DE", profile_name="Ada"
        )
        account_id = (await call(stub.CreateAccount, sign_up)).account_id
        await call(stub.ActivateAccount, pb.ActivateAccountRequest(account_id=account_id))
        await call(stub.Authenticate, pb.AuthenticateRequest(email=EMAIL, password=PASSWORD))
        with refused(ErrorReason.CREDENTIALS_REJECTED):
            await call(stub.Authenticate, pb.AuthenticateRequest(email=EMAIL, password="the wrong password"))
        request = pb.OpenSessionRequest(request_id=new_id(), account_id=account_id, device_id="tv")
        tokens = (await call(stub.OpenSession, request)).tokens
        refresh = pb.RefreshSessionRequest(refresh_token=tokens.refresh_token, device_id="tv")
        await call(stub.RefreshSession, refresh)
        with refused(ErrorReason.SESSION_UNKNOWN):
            await call(stub.RefreshSession, refresh)
        return tokens


async def test_it_serves_and_logs_no_secret_and_nothing_personal(service_database: ServiceDatabaseFactory) -> None:
    dsns = await service_database("identity")
    process = await start(
        HEARTHGATE_DATABASE_URL=dsns.app,
        HEARTHGATE_CONTACT_KEYS="first:" + "A" * 43,
        HEARTHGATE_CALLERS=json.dumps({GATEWAY.name: [secret_digest(GATEWAY.secret)]}),
        HEARTHGATE_LOG_LEVEL="DEBUG",
        HEARTHGATE_DRAIN_SECONDS="1",
    )
    try:
        port, log = await listening_port(process)
        tokens = await talk(port)
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    log += rest.decode()
    assert process.returncode == 0, log
    assert "refresh token used twice" in log
    for secret in (EMAIL, "lovelace", PHONE, PASSWORD, "wrong password", tokens.session_token, tokens.refresh_token):
        assert secret not in log


async def test_without_its_keys_it_does_not_start_and_names_the_variable() -> None:
    for keys in ({}, {"HEARTHGATE_CONTACT_KEYS": "first:too-short"}):
        process = await start(HEARTHGATE_DATABASE_URL="postgresql://unused", **keys)
        _, log = await process.communicate()
        assert process.returncode == 78
        assert "HEARTHGATE_CONTACT_KEYS" in log.decode()
        assert "too-short" not in log.decode()
