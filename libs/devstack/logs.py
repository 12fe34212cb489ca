"""The logs of a stack's services: kept in files, and followed for what a person should see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_POLL_SECONDS: Final = 0.25
_LOUD: Final = frozenset({"warning", "error", "critical"})
_HIDDEN: Final = frozenset({"timestamp", "level", "service", "event", "logger", "trace_id", "span_id", "exception"})


def rotate(path: Path) -> None:
    """Set the last run's log aside as ``<name>.1``, in place of the one before it."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))


def tail(path: Path, lines: int = 8) -> str:
    """The last lines of a log, shortened for people; empty where there is none."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(f"  {shorten(line)}" for line in text.splitlines()[-lines:])


async def follow_warnings(path: Path, show: Callable[[str], None]) -> None:
    """Show, for ever and shortened, each line of level WARNING or above that is written from now on.

    The file is read rather than a pipe, so that a service never waits for whoever looks on.
    """
    with path.open(errors="replace") as file:
        file.seek(0, 2)
        unfinished = ""
        while True:
            *lines, unfinished = (unfinished + file.read()).split("\n")
            for line in lines:
                if is_loud(line):
                    show(shorten(line))
            await asyncio.sleep(_POLL_SECONDS)


def is_loud(line: str) -> bool:
    """Whether a line is a log record of level WARNING or above."""
    record = _record(line)
    return record is not None and str(record.get("level")) in _LOUD


def shorten(line: str) -> str:
    """A log line for people: level, event and what belongs to it; a line that is not JSON as it is."""
    record = _record(line)
    if record is None:
        return line
    rest = " ".join(f"{key}={value}" for key, value in record.items() if key not in _HIDDEN)
    last_of_trace = str(record.get("exception", "")).strip().rsplit("\n", 1)[-1]
    parts = (str(record.get("level", "")), str(record.get("event", "")), rest, last_of_trace)
    return " ".join(part for part in parts if part)


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
