"""Password hashing behind a bulkhead: a few threads and a short queue, so that a flood of sign-ins is shed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from libs.runtime.keys import new_secret
from services.identity.argon2id import Argon2idHasher, Hasher
from services.identity.bulkhead import Bulkhead, Place

__all__ = ("Admitted", "Argon2idHasher", "Hasher", "Passwords")


class Passwords:
    """Hashing for use cases. Close it at the end; at most ``threads + waiters`` calls are under way."""

    def __init__(self, hasher: Hasher, *, threads: int, waiters: int, retry_after: timedelta) -> None:
        self._hasher = hasher
        self._bulkhead = Bulkhead("passwords", threads=threads, waiters=waiters, retry_after=retry_after)
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
        self._hasher.close()


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
