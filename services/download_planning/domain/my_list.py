"""My list: what a viewer wants to come back to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

MAX_TITLES: Final = 500
"""Titles on a list. Ours: more than anybody looks through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MyListItem:
    """A title on a profile's list, and since when."""

    title_id: str
    add_time: datetime
