"""`hearthgate up` as a person uses it: mails and texts on the screen, lines to paste, and the reason for every end."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.household import ADA, television
from tests.e2e.running import Hearthgate, environment, eventually, hearthgate, passable_folder

_READY = "Ctrl-C ends everything."
_PASTED_SECONDS = 20
_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


@pytest.fixture(scope="module")
def run() -> Iterator[Hearthgate]:
    """A run whose output is for a person, ready."""
    with passable_folder() as data, hearthgate(data, "up", "--port", "0") as running:
        running.printed(_READY)
        yield running


def lines_to_paste(run: Hearthgate, program: str) -> list[str]:
    """The commands on the screen that begin with a program's name."""
    return [line.strip() for line in run.stdout.splitlines() if line.startswith(f"  {program} ")]


def paste(line: str) -> str:
    """What a line prints when it is run as it stands. Raises CalledProcessError."""
    done = subprocess.run(
        ["bash", "-c", line],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=_PASTED_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def gateway_of(run: Hearthgate) -> str:
    """Where the table on the screen says that the gateway is."""
    match = re.search(r"^ gateway +(\S+) ", run.stdout, re.MULTILINE)
    assert match
    return match[1]


def code_on(run: Hearthgate) -> str | None:
    """The code in the first mail on the screen."""
    match = _CODE.search(run.stdout.partition("✉")[2])
    return match[0] if match else None


def test_the_buf_curl_line_works_as_printed(run: Hearthgate) -> None:
    (line,) = lines_to_paste(run, "buf")
    assert "jwksJson" in paste(line)


@pytest.mark.skipif(shutil.which("grpcurl") is None, reason="grpcurl is not installed; it is in no Python package")
def test_the_grpcurl_lines_work_as_printed(run: Hearthgate) -> None:
    answers = [paste(line) for line in lines_to_paste(run, "grpcurl")]
    assert len(answers) >= 3
    assert "hearthgate.gateway.v1.PlaybackService" in answers[0].splitlines()
    assert "premium" in answers[-1]


@pytest.mark.skipif(shutil.which("grpcurl") is None, reason="grpcurl is not installed; it is in no Python package")
def test_grpcurl_describes_a_message_with_its_comments(run: Hearthgate) -> None:
    address = gateway_of(run)
    described = paste(f"grpcurl -plaintext {address} describe hearthgate.gateway.v1.StartStreamRequest")
    assert "string title_id" in described
    assert "//" in described, "no comment is shown"


async def test_a_code_can_be_read_from_the_screen_and_signs_up(run: Hearthgate) -> None:
    async with television(gateway_of(run)) as tv:
        sign_up_id = await tv.sign_up(ADA)
        code = await asyncio.to_thread(eventually, lambda: code_on(run), "a mail with a code on the screen")
        assert ADA.email in run.stdout
        await tv.complete_sign_up(sign_up_id, code)
        assert tv.session_token
        assert tv.session_token not in run.stdout + run.stderr


def test_no_secret_is_on_the_screen(run: Hearthgate) -> None:
    shown = run.stdout + run.stderr
    names = ("operator_secret", "gateway_secret", "master_key", "identity_app_password", "identity_owner_password")
    assert not [name for name in names if run.secret(name) in shown]


def test_the_crash_of_a_service_ends_everything_and_names_it(data: Path) -> None:
    with hearthgate(data, "up", "--port", "0") as run:
        run.printed(_READY)
        pid = run.pid_of("device_trust")
        assert pid
        os.kill(pid, signal.SIGKILL)
        assert run.exit_code() == 1
        assert "device_trust was ended by SIGKILL" in run.stderr
        run.wait_until_nothing_is_left()


def test_the_end_of_the_database_ends_everything_and_names_it(data: Path) -> None:
    with hearthgate(data, "up", "--port", "0") as run:
        run.printed(_READY)
        postmaster = int((data / "postgresql" / "data" / "postmaster.pid").read_text().split()[0])
        # Not SIGKILL, after which PostgreSQL's shared memory would stay.
        os.kill(postmaster, signal.SIGQUIT)
        assert run.exit_code() == 1
        assert "PostgreSQL ended with" in run.stderr
        run.wait_until_nothing_is_left()
