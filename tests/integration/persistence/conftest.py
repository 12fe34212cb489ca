"""A small database of its own for the tests of libs.persistence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from libs.persistence.database import Database
from libs.persistence.dsn import ServiceDsns
from libs.testing.plugin import ServiceDatabaseFactory

MIGRATIONS = Path(__file__).parent / "migrations"


@pytest.fixture(scope="session")
def migrations() -> Path:
    """The sample's migrations."""
    return MIGRATIONS


@pytest_asyncio.fixture
async def dsns(service_database: ServiceDatabaseFactory) -> ServiceDsns:
    """A fresh database with a table ``account``."""
    return await service_database("sample", migrations=MIGRATIONS)


@pytest_asyncio.fixture
async def database(dsns: ServiceDsns) -> AsyncIterator[Database]:
    """That database as its service uses it."""
    database = await Database.connect(
        dsns.app, application_name="test", pool_size=4, statement_timeout=timedelta(seconds=2)
    )
    yield database
    await database.close()
