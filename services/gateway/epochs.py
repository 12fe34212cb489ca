"""Tells whoever keeps a stream open that its account's epoch was raised, by whichever gateway did so.

A start compares epochs as it claims its slot; a stream of plans claims nothing, so it has to be told. One statement a
second asks for all accounts that are watched here, however many watch them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from libs.persistence.database import Database
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.gateway.storage import leases

_EVERY: Final = 1.0
"""Seconds between looks, a fifth more or less so that replicas spread. Ours: a revocation is everywhere within 2."""
_SPREAD: Final = 0.2
_log = get_logger(__name__)


@dataclass(kw_only=True, slots=True, eq=False)
class EpochWatch:
    """Somebody who looked an account up under ``epoch``. ``stirred`` is set when it is another one, or not known."""

    account_id: UUID
    epoch: int
    stirred: asyncio.Event = field(default_factory=asyncio.Event)


class Epochs:
    """Watches the epochs of the accounts that are watched in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: set[EpochWatch] = set()

    @contextmanager
    def watched(self, account_id: UUID, epoch: int) -> Iterator[EpochWatch]:
        """Have the watch stirred until the block ends."""
        watch = EpochWatch(account_id=account_id, epoch=epoch)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await asyncio.sleep(_EVERY * random.uniform(1 - _SPREAD, 1 + _SPREAD))
            try:
                await self.look()
            except Exception:
                # A fault of ours must not leave the streams open that nobody looks after any more.
                _log.exception("epochs not looked at")
                _stir(self._watches)

    async def look(self) -> None:
        """Stir whoever looked up under another epoch; everybody, to look for themselves, where it cannot be told."""
        watches = tuple(self._watches)
        if not watches:
            return
        try:
            found = await leases.find_epochs(self._database, {each.account_id for each in watches})
        except ServiceError as error:
            _log.warning("epochs not looked at", reason=str(error.reason))
            _stir(watches)
        else:
            _stir(each for each in watches if found.get(each.account_id, 0) != each.epoch)


def _stir(watches: Iterable[EpochWatch]) -> None:
    for watch in watches:
        watch.stirred.set()
