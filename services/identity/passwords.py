"""Password hashing behind a bulkhead: a few threads and a short queue, so that a flood of sign-ins is shed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, Protocol

import argon2
from argon2.low_level import Type, hash_secret_raw

from libs.runtime.keys import new_secret
from services.identity.bulkhead import Bulkhead, Place

NICENESS: Final = 10
"""Of the hashing threads. Ours: a tenth of the weight of everything else where the processors are short, and all of
what is left over; measured in ``bench/login_flood.py``."""

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


class Passwords:
    """Hashing for use cases. Close it at the end; at most ``threads + waiters`` calls are under way."""

    def __init__(
        self, hasher: Hasher, *, threads: int, waiters: int, retry_after: timedelta, niceness: int = NICENESS
    ) -> None:
        self._hasher = hasher
        self._bulkhead = Bulkhead(
            "passwords", threads=threads, waiters=waiters, retry_after=retry_after, niceness=niceness
        )
        # Made with today's parameters, so that checking it costs what checking a new account's hash does.
        self._nobodys_hash = hasher.hash(new_secret())

    @contextmanager
    def admitted(self) -> Iterator[Admitted]:
        """A place that is taken before anything else is done, so that shedding costs next to nothing.

        Raises OVERLOADED with RetryInfo.
        """
        with self._bulkhead.place() as place:
            yield Admitted(self._hasher, self._nobodys_hash, place)

    async def hash(self, password: str, *, spare: bool = False) -> str:
        """A salted hash. Raises OVERLOADED; with ``spare`` already when others begin to wait."""
        return await self._bulkhead.run(lambda: self._hasher.hash(password), spare=spare)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash is the password's; None costs the same work and is nobody's. Raises OVERLOADED."""
        with self.admitted() as admitted:
            return await admitted.verify(password_hash, password)

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than are used now. Cheap."""
        return self._hasher.outdated(password_hash)

    def close(self) -> None:
        """Let calls under way end and drop those that wait."""
        self._bulkhead.close()


class Admitted:
    """What may be done in a place of the bulkhead, one after the other."""

    def __init__(self, hasher: Hasher, nobodys_hash: str, place: Place) -> None:
        self._hasher = hasher
        self._nobodys_hash = nobodys_hash
        self._place = place

    async def hash(self, password: str) -> str:
        """A salted hash."""
        return await self._place.run(lambda: self._hasher.hash(password))

    async def pause(self, duration: timedelta) -> None:
        """Do nothing for so long, and keep the place."""
        await self._place.rest(duration)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash is the password's; None costs the same work and is nobody's."""
        right = await self._place.run(lambda: self._hasher.verify(password_hash or self._nobodys_hash, password))
        return right and password_hash is not None
