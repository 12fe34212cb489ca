"""What arrived at a local server: kept within bounds, awaited, and light to import."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from libs.testing.arrivals import Arrivals


async def test_a_wait_ends_with_the_first_match_after_a_position() -> None:
    arrivals: Arrivals[str] = Arrivals("mail")
    await arrivals.add(lambda number: f"a{number}")
    waiting = asyncio.create_task(
        arrivals.wait_for(lambda item: item.startswith("a"), since=arrivals.position, timeout=5, looked_for="to a")
    )
    await arrivals.add(lambda number: f"b{number}")
    await arrivals.add(lambda number: f"a{number}")
    assert await waiting == "a3"


async def test_only_the_last_are_kept_and_positions_go_on_counting() -> None:
    arrivals: Arrivals[int] = Arrivals("text", capacity=2)
    for _ in range(3):
        await arrivals.add(lambda number: number)
    assert (arrivals.kept(), arrivals.position) == ((2, 3), 3)
    arrivals.clear()
    assert (arrivals.kept(), arrivals.position) == ((), 3)


async def test_a_wait_that_times_out_says_what_was_looked_for() -> None:
    arrivals: Arrivals[str] = Arrivals("mail")
    with pytest.raises(TimeoutError, match=r"^no mail to x within 0\.01 s; 0 others arrived$"):
        await arrivals.wait_for(lambda item: True, since=0, timeout=0.01, looked_for="to x")


def test_the_smsc_needs_no_mail_server() -> None:
    """Its container has none."""
    code = "import sys, libs.testing.smsc; sys.exit('aiosmtpd' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
