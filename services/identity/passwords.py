"""Password hashing behind a bulkhead: a few threads and a short queue, so that a flood of sign-ins is shed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Protocol, TypeVar

import argon2

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import new_secret

T = TypeVar("T")


class Hasher(Protocol):
    """A slow password hash; both methods block for tens of milliseconds."""

    def hash(self, password: str) -> str:
        """A salted hash with its parameters."""
        ...

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether the hash is the password's."""
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
        """Whether the hash is the password's. Raises argon2's InvalidHashError for a text that is no hash."""
        try:
            return self._hasher.verify(password_hash, password)
        except argon2.exceptions.VerifyMismatchError:
            return False


class Passwords:
    """Hashing for use cases. Close it at the end; at most ``threads + waiters`` calls are under way."""

    def __init__(self, hasher: Hasher, *, threads: int, waiters: int, retry_after: timedelta) -> None:
        self._hasher = hasher
        self._retry_after = retry_after
        self._places = threading.BoundedSemaphore(threads + waiters)
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="passwords")
        # Made with today's parameters, so that checking it costs what checking a new account's hash does.
        self._nobodys_hash = hasher.hash(new_secret())

    async def hash(self, password: str) -> str:
        """A salted hash. Raises OVERLOADED."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash is the password's; None costs the same work and is nobody's. Raises OVERLOADED."""
        right = await self._run(lambda: self._hasher.verify(password_hash or self._nobodys_hash, password))
        return right and password_hash is not None

    def close(self) -> None:
        """Let calls under way end and drop those that wait."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise ServiceError(
                ErrorReason.OVERLOADED, detail="too many passwords are being checked", retry_after=self._retry_after
            )
        future = self._executor.submit(work)
        # The place is free when the thread is, which a cancelled caller does not wait for.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)
