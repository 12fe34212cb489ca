"""A bound on how many calls of one kind are under way, so that a flood of them is turned away for next to nothing.

Every call by which identity runs Argon2 goes through one gate: whoever is shed at the sign-in must not find another
door to the same work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, TypeVar

import grpc

from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

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
                ErrorReason.OVERLOADED, detail="too many password checks are under way", retry_after=_RETRY_AFTER
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def call(self, method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT) -> ResponseT:
        """The answer of a leaf's ``method``, as one of those. Raises OVERLOADED before anything is sent, and as
        :func:`libs.rpc.channel.call` does.
        """
        with self.passed():
            return await call(method, request)
