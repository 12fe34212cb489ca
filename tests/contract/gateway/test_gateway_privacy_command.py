"""`hearthgate privacy` against a running gateway."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.contract.gateway.erasing_world import finish
from tests.contract.gateway.gateway_world import OPERATOR, STRANGER, Household, World


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a person sees of a command that has ended."""

    exit_code: int
    stdout: str
    stderr: str


async def test_an_operator_exports_an_account_into_a_file_of_their_own(
    home: Household, world: World, tmp_path: Path
) -> None:
    output = tmp_path / "ada.zip"
    result = await _run(world, "export", home.account_id, "--output", str(output), "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["file"], told["bytes"]) == (str(output), output.stat().st_size)
    assert output.stat().st_mode & 0o077 == 0, "nobody else may read it"
    assert "identity/contacts.jsonl" in zipfile.ZipFile(output).namelist()
    again = await _run(world, "export", home.account_id, "--output", str(output))
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


async def test_an_export_that_fails_leaves_no_file(home: Household, world: World, tmp_path: Path) -> None:
    await world.stop("device_trust")
    output = tmp_path / "ada.zip"
    result = await _run(world, "export", home.account_id, "--output", str(output))
    assert (result.exit_code, result.stderr.splitlines()[-1].partition(":")[0]) == (1, "DEPENDENCY_UNAVAILABLE")
    assert os.listdir(tmp_path) == []


async def test_an_operator_erases_looks_and_calls_it_off(home: Household, world: World) -> None:
    refused = await _run(world, "erase", home.account_id, text="n\n")
    assert refused.exit_code == 1
    await home.tv.play("film")
    begun = await _run(world, "erase", home.account_id, text="y\n")
    assert "will be erased at" in begun.stdout
    again = json.loads((await _run(world, "erase", home.account_id, "--yes", "--json")).stdout)
    assert (again["state"], again["next_step"]) == ("WAITING", "wait")
    status = await _run(world, "status", again["erasure_id"], "--json")
    assert json.loads(status.stdout) == again
    cancelled = await _run(world, "cancel", again["erasure_id"], "--yes")
    assert "the account is open" in cancelled.stdout
    soon = json.loads((await _run(world, "erase", home.account_id, "--at-once", "--yes", "--json")).stdout)
    await finish(world, soon["erasure_id"])
    done = await _run(world, "erase", home.account_id, "--wait", "--yes")
    assert "nothing is left since" in done.stdout
    assert "identity/account" in done.stdout


async def test_who_is_no_operator_and_what_is_not_there_is_said_in_a_sentence(world: World, tmp_path: Path) -> None:
    unknown = await _run(world, "erase", str(uuid4()), "--yes")
    assert (unknown.exit_code, unknown.stderr) == (1, "NOT_FOUND: There is no such thing here.\n")
    assert (await _run(world, "erase", "ada", "--yes")).exit_code == 2
    secret = tmp_path / "secret"
    secret.write_text(STRANGER.secret + "\n")
    stranger = await _run(world, "erase", str(uuid4()), "--yes", "--secret-file", str(secret), secret="")
    assert (stranger.exit_code, stranger.stderr.partition(":")[0]) == (1, "CALLER_UNKNOWN")


async def _run(world: World, *arguments: str, text: str = "", secret: str = OPERATOR.secret) -> Result:
    """The command's result, in a process of its own."""
    command = (sys.executable, "-c", "from libs.devstack.cli import app; app()", "privacy", *arguments)
    process = await asyncio.create_subprocess_exec(
        *(*command, "--gateway", world.addresses["gateway"]),
        env={**os.environ, "HEARTHGATE_OPERATOR_SECRET": secret},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        stdout, stderr = await process.communicate(text.encode())
    return Result(exit_code=process.returncode or 0, stdout=stdout.decode(), stderr=stderr.decode())
