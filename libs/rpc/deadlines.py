"""Deadlines: each call has one, and what it passes on is shorter than what it was given.

Times are in seconds; instants are those of ``time.monotonic``. The budget, the caller and the trace of a call stand in
context variables, which a task inherits: work that outlives its call, or serves several, is to be started with
``asyncio.create_task(..., context=contextvars.Context())``.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError

SHORTEST: Final = 0.020
"""A call with less time left than this is refused; it could not answer in time."""
RESERVE: Final = 0.020
"""What a service keeps of its own time when it calls another: enough to turn the answer into its own.

gRPC rounds timeouts up on the wire (by 10 ms in a few seconds); the calling side holds to the exact one all the same.
"""

_DEADLINE: ContextVar[float | None] = ContextVar("hearthgate_deadline", default=None)


def accept(time_remaining: float | None, default: float) -> float | None:
    """Begin the call's budget. Returns the seconds after which *we* must end it; None: the transport does.

    Raises DEADLINE_TOO_SHORT.
    """
    if time_remaining is not None and time_remaining < SHORTEST:
        raise ServiceError(ErrorReason.DEADLINE_TOO_SHORT, detail=f"{time_remaining * 1000:.0f} ms left")
    budget = default if time_remaining is None else time_remaining
    _DEADLINE.set(time.monotonic() + budget)
    return default if time_remaining is None else None


def remaining() -> float | None:
    """Seconds left to the call under way, possibly negative; None outside of a call."""
    deadline = _DEADLINE.get()
    return None if deadline is None else deadline - time.monotonic()


def outgoing_timeout(wanted: float) -> float:
    """Seconds to give to a call that goes out now: ``wanted``, or less where the call under way has less left.

    Raises DEADLINE_EXCEEDED, and so saves the trip, where nothing is left.
    """
    left = remaining()
    if left is None:
        return wanted
    budget = left - RESERVE
    if budget <= 0:
        raise ServiceError(ErrorReason.DEADLINE_EXCEEDED, detail="no time was left for an outgoing call")
    return min(wanted, budget)
