"""How fast a provider that throttles may be asked: a rule without a wire."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

_WINDOW_SECONDS: Final = 1.0
"""Over which providers count, and so do we."""
_MOST_COUNTED: Final = 4096
_KEPT_SHARE: Final = 0.8
_REGAINED_SHARE: Final = 0.05


class ThrottleRule:
    """The pause that a throttling provider is given, and the speed after it; ``clock`` tells monotonic seconds.

    The first pause is ``first`` seconds. A submit that was sent after a pause and throttled again doubles it, up to
    ``longest``; one that was sent after a pause and taken halves the next, down to ``first``. Answers to what had been
    sent before the pause began say nothing new: many under way at once are throttled together.

    What waited for the end of a pause does not go out at once, or most of it would be throttled anew. It is spaced:
    after the pause the provider gets four fifths of what it took in the second before (at least one in ``first``
    seconds), and the same step more each second until it throttles again. Before it ever throttled, nothing is spaced.
    """

    def __init__(self, *, first: float, longest: float, clock: Callable[[], float]) -> None:
        self._first = min(first, longest)
        self._longest = longest
        self._clock = clock
        self._next = self._first
        self._began = float("-inf")
        self._until = float("-inf")
        self._last_sent = float("-inf")
        self._taken: deque[float] = deque(maxlen=_MOST_COUNTED)
        self._rate: float | None = None
        self._step = 0.0

    def sent(self) -> float:
        """A submit is sent now; the moment to report its answer with."""
        self._last_sent = self._clock()
        return self._last_sent

    def wait(self, *, ahead: int = 0) -> float:
        """Seconds until the next submit may be sent, or the one after ``ahead`` others; 0 where it may now."""
        now, gap = self._clock(), self._gap()
        return max(self._until - now, self._last_sent + gap - now, 0.0) + ahead * gap

    def throttled(self, sent_at: float) -> None:
        """A submit of that moment was throttled."""
        if sent_at <= self._began:
            return
        self._began = self._clock()
        self._until = self._began + self._next
        self._next = min(self._next * 2, self._longest)
        lately = sum(moment > self._began - _WINDOW_SECONDS for moment in self._taken)
        least = 1 / max(self._first, 1 / _MOST_COUNTED)
        self._rate = max(least, lately * _KEPT_SHARE / _WINDOW_SECONDS)
        self._step = max(least, self._rate * _REGAINED_SHARE)

    def taken(self, sent_at: float) -> None:
        """A submit of that moment was taken."""
        self._taken.append(self._clock())
        if sent_at > self._began:
            self._next = max(self._next / 2, self._first)

    def _gap(self) -> float:
        if self._rate is None:
            return 0.0
        return 1 / (self._rate + self._step * max(self._clock() - self._until, 0.0))
