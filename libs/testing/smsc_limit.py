"""How many texts a second a local SMSC takes, as real ones limit it by contract."""

from __future__ import annotations

from collections.abc import Callable


class SpeedLimit:
    """A bucket that fills by ``per_second`` and holds one second's worth; ``clock`` tells monotonic seconds."""

    def __init__(self, per_second: float, *, clock: Callable[[], float]) -> None:
        self.refused = 0
        self._per_second = per_second
        self._clock = clock
        self._room = per_second
        self._looked_at = clock()

    def admits(self) -> bool:
        """Whether one more is taken now; it is counted either way."""
        now = self._clock()
        self._room = min(self._room + (now - self._looked_at) * self._per_second, self._per_second)
        self._looked_at = now
        if self._room < 1:
            self.refused += 1
            return False
        self._room -= 1
        return True
