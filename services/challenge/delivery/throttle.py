"""When a provider that throttles may be asked again: a rule without a wire."""

from __future__ import annotations

from collections.abc import Callable


class ThrottleRule:
    """The pause that a throttling provider is given; ``clock`` tells monotonic seconds.

    The first pause is ``first`` seconds. A submit that was sent after a pause and throttled again doubles it, up to
    ``longest``; one that was sent after a pause and taken halves the next, down to ``first``. Answers to what had been
    sent before the pause began say nothing new: many under way at once are throttled together.
    """

    def __init__(self, *, first: float, longest: float, clock: Callable[[], float]) -> None:
        self._first = min(first, longest)
        self._longest = longest
        self._clock = clock
        self._next = self._first
        self._began = float("-inf")
        self._until = float("-inf")

    def now(self) -> float:
        """The moment to remember as that of sending."""
        return self._clock()

    def remaining(self) -> float:
        """Seconds until the pause is over; 0 where there is none."""
        return max(self._until - self._clock(), 0.0)

    def throttled(self, sent_at: float) -> None:
        """A submit of that moment was throttled."""
        if sent_at <= self._began:
            return
        self._began = self._clock()
        self._until = self._began + self._next
        self._next = min(self._next * 2, self._longest)

    def taken(self, sent_at: float) -> None:
        """A submit of that moment was taken."""
        if sent_at > self._began:
            self._next = max(self._next / 2, self._first)
