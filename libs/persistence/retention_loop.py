"""Retention beside a server, unless a scheduled job does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from libs.persistence.database import Database
from libs.persistence.retention import Policy, run_loop
from libs.runtime.clock import Clock
from libs.runtime.tasks import running


class RetainingSettings(Protocol):
    """Settings of a service that has a policy."""

    @property
    def retention_loop(self) -> bool:
        """Whether the service applies it itself."""
        ...

    def retention_policy(self) -> Policy:
        """The policy."""
        ...


@asynccontextmanager
async def retention_running(
    settings: RetainingSettings, database: Database, clock: Clock, *, every: float
) -> AsyncIterator[None]:
    """Apply the settings' policy each ``every`` seconds while the block runs; never where the settings say so."""
    if not settings.retention_loop:
        yield
        return
    loop = run_loop(database, clock, settings.retention_policy(), timedelta(seconds=every))
    async with running(loop, name="retention"):
        yield
