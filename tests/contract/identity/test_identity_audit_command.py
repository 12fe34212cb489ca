"""`hearthgate audit` says what is sound and what is damaged, and the service anchors by itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as rpc
from libs.rpc.channel import call, open_channel
from libs.runtime.errors import ErrorReason
from libs.runtime.keys import secret_digest
from tests.contract.identity.audit_world import household, kinds, tamper
from tests.contract.identity.identity_world import EMAIL, GATEWAY, OPERATOR, World, refused

ROOT = Path(__file__).parents[3]


async def hearthgate(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run `hearthgate` as a process of its own."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "libs" / "stubs")))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "COLUMNS": "200", "TERM": "dumb"} | variables
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "libs.devstack.cli", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_command_says_what_is_sound_and_what_is_damaged(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    subject_id, _ = await household(world, path)
    assert world.dsns is not None
    told = {"HEARTHGATE_DATABASE_URL": world.dsns.app, "HEARTHGATE_CONTACT_KEYS": "first:" + "A" * 43}
    code, out, err = await hearthgate("audit", "verify", "--anchors", str(path), **told)
    assert (code, err.strip()) == (0, "")
    assert "All is sound." in out
    await tamper(world, "delete from audit_event where subject_id = $1 and sequence = 3", args=[subject_id])
    code, out, _ = await hearthgate("audit", "verify", "--anchors", str(path), "--json", **told)
    assert code == 1
    report = json.loads(out)
    assert (report["sound"], report["events"], report["newest_anchor"]["anchor"]) == (False, 9, 2)
    assert [(each["damage"], each["subject_id"], each["sequence"]) for each in report["findings"]] == [
        ("EVENT_MISSING", str(subject_id), 3)
    ]
    code, out, _ = await hearthgate("audit", "verify", **told)
    assert code == 1
    assert "EVENT_MISSING" in out
    assert str(subject_id) in out
    assert "compared with itself alone" in out


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({}, 78, "HEARTHGATE_AUDIT_KEYS"),
        ({"HEARTHGATE_CONTACT_KEYS": "A" * 40}, 78, "a key has 32 bytes"),
        ({"HEARTHGATE_CONTACT_KEYS": "A" * 43}, 78, "HEARTHGATE_DATABASE_URL"),
        (
            {"HEARTHGATE_CONTACT_KEYS": "A" * 43, "HEARTHGATE_DATABASE_URL": "postgresql://u:canary@127.0.0.1:1/x"},
            1,
            "could not be read",
        ),
    ],
)
async def test_the_command_refuses_bad_settings_by_name(variables: dict[str, str], code: int, words: str) -> None:
    ended, out, err = await hearthgate("audit", "verify", **variables)
    assert (ended, out) == (code, "")
    assert words in err
    assert "canary" not in err


async def test_the_service_anchors_by_itself_and_writes_what_failed_before_it_stops(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.jsonl"
    account_id = await world.active()
    assert world.dsns is not None
    told = {"HEARTHGATE_DATABASE_URL": world.dsns.app, "HEARTHGATE_CONTACT_KEYS": "first:" + "A" * 43}
    process = await start(
        HEARTHGATE_CALLERS=json.dumps({GATEWAY.name: [secret_digest(GATEWAY.secret)]}),
        HEARTHGATE_AUDIT_ANCHOR_FILE=str(path),
        HEARTHGATE_AUDIT_ANCHOR_SECONDS="1",
        HEARTHGATE_AUDIT_FAILURES_SECONDS="300",
        **told,
    )
    try:
        port = int((await logged(process, "listening"))["port"])
        assert (await logged(process, "anchors written out"))["count"] == 1
        async with open_channel(f"127.0.0.1:{port}", caller=GATEWAY) as channel:
            request = pb.AuthenticateRequest(email=EMAIL, password="not the right phrase")
            with refused(ErrorReason.CREDENTIALS_REJECTED):
                await call(rpc.IdentityServiceStub(channel).Authenticate, request)
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert (await kinds(world, account_id))[-1] == "SIGN_IN_FAILED"
    code, out, _ = await hearthgate("audit", "verify", "--anchors", str(path), **told)
    assert (code, "All is sound." in out) == (0, True), out


async def logged(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """The next line of the service's log that tells of this."""
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while line := await process.stderr.readline():
            entry: dict[str, Any] = json.loads(line)
            if entry["event"] == event:
                return entry
    raise AssertionError(event)


async def start(**variables: str) -> asyncio.subprocess.Process:
    """Start the service as a process of its own."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "libs" / "stubs")))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.identity.main"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": paths} | variables,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_support_is_shown_what_happened_to_an_account(world: World) -> None:
    account_id = await world.active()
    await world.open(account_id, "living-room")
    assert await shown(world, account_id) == ["SESSION_OPENED", "ACCOUNT_ACTIVATED", "CONTACT_VERIFIED"]


async def shown(world: World, account_id: str) -> list[str]:
    """The kinds of the newest three events, as the command prints them."""
    told = {"HEARTHGATE_CALLER_SECRET": OPERATOR.secret, "HEARTHGATE_IDENTITY_ADDRESS": world.address}
    code, out, err = await hearthgate("audit", "show", account_id, "--limit", "3", "--json", **told)
    assert code == 0, err
    table = await hearthgate("audit", "show", account_id, **told)
    assert "living-room" in table[1]
    refusal = await hearthgate("audit", "show", "not-an-id", **told)
    assert (refusal[0], "account_id" in refusal[2]) == (1, True)
    assert (await hearthgate("audit", "show", account_id))[0] == 78
    return [json.loads(line)["kind"] for line in out.splitlines()]
