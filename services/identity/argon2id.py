"""Argon2id, and what a password hash is to the service. Imports nothing of it: a process of its own runs this."""

from __future__ import annotations

from typing import Final, Protocol

import argon2
from argon2.low_level import Type, hash_secret_raw

_SMALLEST: Final = 8
"""KiB; Argon2 takes no less memory a lane (RFC 9106, 3.1)."""


class Hasher(Protocol):
    """A slow password hash; ``hash`` and ``verify`` block for tens of milliseconds."""

    def hash(self, password: str) -> str:
        """A salted hash with its parameters."""
        ...

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether the hash is the password's."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than are used now."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class Argon2idHasher:
    """Argon2id. Releases the interpreter's lock while it works."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=argon2.Type.ID
        )

    def hash(self, password: str) -> str:
        """A salted hash in the PHC string format."""
        return self._hasher.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether the hash is the password's. Raises argon2's InvalidHashError for a text that is no hash.

        A hash of cheaper parameters costs what one of today's would: what is missing is worked off, so that the time
        does not tell accounts that are older than the last change from addresses without an account.
        """
        try:
            self._hasher.verify(password_hash, password)
            right = True
        except argon2.exceptions.VerifyMismatchError:
            right = False
        self._work_off(password_hash)
        return right

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Nothing to do."""

    def _work_off(self, password_hash: str) -> None:
        """Argon2's time goes with memory times passes; spend the difference to today's."""
        was = argon2.extract_parameters(password_hash)
        memory, lanes = self._hasher.memory_cost, self._hasher.parallelism
        missing = memory * self._hasher.time_cost - was.memory_cost * was.time_cost
        if missing < _SMALLEST * lanes:
            return
        hash_secret_raw(
            secret=b"",
            salt=b"nobody's",
            time_cost=max(1, round(missing / memory)),
            memory_cost=min(missing, memory),
            parallelism=lanes,
            hash_len=32,
            type=Type.ID,
        )
