"""A bound on how many calls of one kind are under way, so that a flood of them is turned away for next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError

_RETRY_AFTER: Final = timedelta(seconds=2)
"""As identity says it of its own queue."""


class Gate:
    """Lets ``most`` calls in at once."""

    def __init__(self, most: int) -> None:
        self._free = most

    @contextmanager
    def passed(self) -> Iterator[None]:
        """The block runs as one of those. Raises OVERLOADED with RetryInfo where there are too many."""
        if self._free < 1:
            raise ServiceError(
                ErrorReason.OVERLOADED, detail="too many sign-ins are under way", retry_after=_RETRY_AFTER
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
