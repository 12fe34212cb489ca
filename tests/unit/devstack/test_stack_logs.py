"""What of a service's log is shown to people."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from libs.devstack.logs import follow_warnings, is_loud, rotate, shorten, tail

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
KEYS = st.sampled_from(["level", "event", "exception", "service", "timestamp"]) | st.text()
RECORDS = st.dictionaries(KEYS, VALUES)


def record(**fields: object) -> str:
    """A line as a service writes it."""
    return json.dumps({"timestamp": "2030-01-01T00:00:00Z", "service": "identity", "trace_id": "0af7"} | fields)


@given(st.text() | VALUES.map(json.dumps) | RECORDS.map(json.dumps))
@example("[" * 100_000)
@settings(deadline=None)
def test_any_line_can_be_shortened_and_judged(line: str) -> None:
    assert isinstance(shorten(line), str)
    assert is_loud(line) in (True, False)


@given(st.text().filter(lambda text: not text.lstrip().startswith("{")))
@settings(deadline=None)
def test_a_line_that_is_no_record_stays_as_it_is(line: str) -> None:
    assert shorten(line) == line


def test_a_record_is_shown_by_level_event_and_what_belongs_to_it() -> None:
    assert shorten(record(level="info", event="listening", port=7401)) == "info listening port=7401"


def test_of_a_trace_the_last_line_is_shown() -> None:
    line = record(level="critical", event="service failed", exception="Traceback:\n  File x\nOSError: no room\n")
    assert shorten(line) == "critical service failed OSError: no room"


def test_the_tail_is_the_last_lines_shortened_and_of_no_file_empty(tmp_path: Path) -> None:
    log = tmp_path / "identity.log"
    assert tail(log) == ""
    log.write_bytes(b"".join(f"line {number}\n".encode() for number in range(20)) + b"\xff no text\n")
    assert tail(log, 3) == "  line 18\n  line 19\n  � no text"


def test_the_last_runs_log_is_set_aside_and_the_one_before_it_goes(tmp_path: Path) -> None:
    log = tmp_path / "identity.log"
    rotate(log)
    for run in ("first", "second"):
        log.write_text(run)
        rotate(log)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("identity.log.1", "second")]


async def test_warnings_are_followed_from_now_on_and_a_line_only_when_it_is_whole(tmp_path: Path) -> None:
    log, shown = tmp_path / "identity.log", asyncio.Queue[str]()
    log.write_text(record(level="error", event="long ago") + "\n")
    following = asyncio.create_task(follow_warnings(log, shown.put_nowait))
    await asyncio.sleep(0)
    with log.open("a", buffering=1) as file:
        for line in (record(level="info", event="quiet"), record(level="warning", event="first"), "no record"):
            file.write(f"{line}\n")
        half = record(level="error", event="second")
        file.write(half[:20])
        file.flush()
        async with asyncio.timeout(10):
            assert await shown.get() == "warning first"
            file.write(f"{half[20:]}\n")
            assert await shown.get() == "error second"
    following.cancel()
    await asyncio.wait([following])
    assert shown.empty()
