"""The daily verification in a container, which has no library for terminals: its answer, and its exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from libs.runtime.settings import load_settings
from services.identity.audit_job import AuditSettings
from services.identity.settings import IdentitySettings
from tests.contract.identity.audit_world import anchored, owner, subject_of
from tests.contract.identity.identity_world import World

ROOT = Path(__file__).parents[3]
KEYS = {"HEARTHGATE_CONTACT_KEYS": "first:" + "A" * 43}
RUN = ("-m", "services.identity.audit_job", "verify")


async def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run Python as the image does."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "libs" / "stubs")))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": paths} | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def verify(world: World, path: Path | None) -> tuple[int, dict[str, Any], str]:
    """Verify as the service's role: exit code, answer, log."""
    assert world.dsns is not None
    told = {"HEARTHGATE_DATABASE_URL": world.dsns.app} | KEYS
    if path is not None:
        told["HEARTHGATE_AUDIT_ANCHOR_FILE"] = str(path)
    code, out, err = await run(*RUN, **told)
    return code, json.loads(out), err


async def test_the_job_fails_for_damage_and_for_anchors_that_are_gone_and_for_nothing_else(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.jsonl"
    code, answer, _ = await verify(world, path)
    assert (code, answer["sound"], answer["anchors_outside"]) == (0, True, False), "nothing has happened yet"
    account_id = await world.active()
    await anchored(world, path)
    code, answer, log = await verify(world, path)
    assert (code, answer["sound"], answer["anchors_outside"], answer["anchors"]) == (0, True, True, 1)
    assert "audit log damaged" not in log
    path.rename(tmp_path / "elsewhere")
    code, answer, log = await verify(world, path)
    assert (code, answer["sound"]) == (1, None)
    assert "audit log not verified" in log
    (tmp_path / "elsewhere").rename(path)
    path.chmod(0o440)
    async with owner(world) as database:
        await database.execute(
            "delete from audit_event where subject_id = $1 and sequence = 2", await subject_of(world, account_id)
        )
    code, answer, log = await verify(world, path)
    assert (code, answer["sound"], answer["findings"][0]["damage"]) == (1, False, "EVENT_MISSING")
    assert "audit log damaged" in log
    assert str(account_id) not in log


async def test_without_a_file_the_database_is_compared_with_itself_and_the_log_says_so(world: World) -> None:
    await world.active()
    code, answer, log = await verify(world, None)
    assert (code, answer["anchors_outside"]) == (0, False)
    assert "HEARTHGATE_AUDIT_ANCHOR_FILE" in log


def test_an_empty_name_of_the_file_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an overlay has it that takes the volume away: not the folder that the process stands in."""
    told = KEYS | {"HEARTHGATE_DATABASE_URL": "postgresql://u@127.0.0.1:1/x", "HEARTHGATE_AUDIT_ANCHOR_FILE": ""}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert load_settings(AuditSettings).audit_anchor_file is None
    assert load_settings(IdentitySettings).audit_anchor_file is None


@pytest.mark.parametrize(
    ("variables", "words"),
    [({}, "HEARTHGATE_DATABASE_URL"), ({"HEARTHGATE_DATABASE_URL": "postgresql://u:canary@127.0.0.1:1/x"}, "no key")],
)
async def test_the_job_refuses_bad_settings(variables: dict[str, str], words: str) -> None:
    code, out, err = await run(*RUN, **variables)
    assert (code, out) == (78, "")
    assert words in err
    assert "canary" not in err


async def test_the_job_needs_no_library_that_the_image_has_not() -> None:
    without = "import sys; sys.modules.update(typer=None, rich=None); import services.identity.audit_job"
    assert await run("-c", without) == (0, "", "")
