"""A database row as a domain record's ``from_row`` may take it, without the domain importing a driver."""

from __future__ import annotations

from typing import Any, Protocol


class Row(Protocol):
    """Anything whose columns are read by name: the driver's record, or a dict in a test."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""
        ...
