"""What was watched, and what it says about where a profile stands with each title."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID


class ViewingState(StrEnum):
    """How far a viewing went."""

    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    ABANDONED = "ABANDONED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewing:
    """One event of a player. Events may arrive late and in any order; ``event_time`` is when it happened."""

    viewing_id: UUID
    title_id: str
    device_id: str
    state: ViewingState
    position: timedelta
    event_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a profile stands with a title: its newest event by ``event_time``, whenever that arrived."""

    title_id: str
    state: ViewingState
    event_time: datetime


FUTURE_TOLERANCE: Final = timedelta(days=1)
"""How far a device's clock may be ahead. A later event would stand above all true ones for as long."""


def lies_in_future(event_time: datetime, now: datetime) -> bool:
    """Whether the event happened later than any device's clock can be excused for."""
    return event_time > now + FUTURE_TOLERANCE
