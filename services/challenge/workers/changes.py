"""Who waits for a change of a challenge, and how they hear of it, on this replica and on the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.challenge.storage import sql
from services.challenge.storage.challenges import ChallengeStore

CHANNEL: Final = "challenge_changed"
_MOST_HINTS: Final = 10_000
_HINTS_AT_ONCE: Final = 100
_log = get_logger(__name__)

Key = tuple[UUID, UUID]


class Watch:
    """One watcher's wait. Call :meth:`begin` before looking, so that no change falls between look and wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def begin(self) -> None:
        """Forget the changes up to now."""
        self._event.clear()

    def wake(self) -> None:
        """Say that something may have changed."""
        self._event.set()

    async def changed(self, *, within: timedelta) -> None:
        """Return when something may have changed since :meth:`begin`, or when the time is up."""
        try:
            async with asyncio.timeout(max(within.total_seconds(), 0.01)):
                await self._event.wait()
        except TimeoutError:
            return


class ChallengeChanges:
    """Wakes watchers: at once for changes made here, by a NOTIFY hint for those made elsewhere, and by one query for
    all that is watched, each ``poll_every``, for hints that were lost.
    """

    def __init__(self, database: Executor, *, most_watchers: int, poll_every: timedelta) -> None:
        self._store = ChallengeStore(database)
        self._database = database
        self._most_watchers = most_watchers
        self._poll_seconds = poll_every.total_seconds()
        self._watches: dict[Key, list[Watch]] = {}
        self._watcher_count = 0
        self._seen: dict[Key, tuple[Any, ...]] = {}
        self._hints: asyncio.Queue[str] = asyncio.Queue(maxsize=_MOST_HINTS)

    @contextmanager
    def watch(self, account_id: UUID, challenge_id: UUID) -> Iterator[Watch]:
        """Wait for a challenge's changes. Raises OVERLOADED where too many do."""
        if self._watcher_count >= self._most_watchers:
            raise ServiceError(ErrorReason.OVERLOADED, detail="watchers", retry_after=timedelta(seconds=1))
        key, watch = (account_id, challenge_id), Watch()
        self._watcher_count += 1
        self._watches.setdefault(key, []).append(watch)
        try:
            yield watch
        finally:
            self._watcher_count -= 1
            self._watches[key].remove(watch)
            if not self._watches[key]:
                del self._watches[key]

    def announce(self, account_id: UUID, challenge_id: UUID) -> None:
        """Say that a challenge has changed; returns at once. Call it after the commit."""
        self._wake((account_id, challenge_id))
        if not self._hints.full():
            self._hints.put_nowait(f"{account_id}/{challenge_id}")

    async def publish(self) -> NoReturn:
        """Send the hints of this replica, those that wait in one statement, until cancelled."""
        while True:
            hints = [await self._hints.get()]
            while len(hints) < _HINTS_AT_ONCE and not self._hints.empty():
                hints.append(self._hints.get_nowait())
            try:
                await self._database.fetch(sql.ANNOUNCE, CHANNEL, list(dict.fromkeys(hints)))
            except ServiceError as error:
                _log.warning("change not announced", reason=error.reason)

    async def listen(self, hints: AsyncIterable[str]) -> None:
        """Wake watchers by the hints of every replica, until they end."""
        async for hint in hints:
            if hint:
                self._take(hint)
            else:  # The listener has connected anew, and may have missed some.
                for key in list(self._watches):
                    self._wake(key)

    async def poll(self) -> NoReturn:
        """Look at everything watched, each ``poll_every``, until cancelled."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            if not self._watches:
                continue
            try:
                await self._look()
            except ServiceError as error:
                _log.warning("watched challenges not read", reason=error.reason)

    async def _look(self) -> None:
        found = await self._store.fingerprints(list(self._watches))
        for key, fingerprint in found.items():
            if self._seen.get(key) != fingerprint:
                self._wake(key)
        self._seen = found

    def _take(self, hint: str) -> None:
        account_id, _, challenge_id = hint.partition("/")
        try:
            self._wake((UUID(account_id), UUID(challenge_id)))
        except ValueError:
            _log.warning("strange hint")

    def _wake(self, key: Key) -> None:
        for watch in self._watches.get(key, ()):
            watch.wake()
