"""How a sender obeys an SMSC that asks it to slow down."""

from __future__ import annotations

from typing import Final

_FIRST: Final = 1.0
_LONGEST: Final = 16.0


class Throttle:
    """A pause before every submit after one was throttled; seconds of one clock throughout.

    It doubles while submits after a pause are throttled again, and halves with each that is not.
    """

    def __init__(self, *, first: float = _FIRST, longest: float = _LONGEST) -> None:
        self._first = first
        self._longest = longest
        self._pause = 0.0
        self._until = 0.0

    def wait(self, now: float) -> float:
        """How long to hold a submit back."""
        return max(0.0, self._until - now)

    def throttled(self, now: float) -> float:
        """The SMSC would not take a submit; the pause that begins. Answers to submits before it lengthen nothing."""
        if now >= self._until:
            self._pause = min(self._pause * 2 or self._first, self._longest)
            self._until = now + self._pause
        return self._until - now

    def taken(self) -> None:
        """The SMSC took a submit."""
        self._pause = self._pause / 2 if self._pause > self._first else 0.0
