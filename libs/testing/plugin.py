"""The pytest plugin: one PostgreSQL a worker, a fresh database a test, fake time and ids, and no network.

Loaded by ``tests/conftest.py``. Only loopback and unix sockets may be connected to.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import asyncpg
import pytest
import pytest_asyncio
from asyncpg import Record

from libs.persistence.dsn import ServiceDsns, database_name, with_database
from libs.persistence.migrations import migrate
from libs.persistence.provision import provision, restrict_connections
from libs.runtime.clock import FakeClock
from libs.runtime.ids import SequentialIds
from libs.testing.postgres import EmbeddedPostgres, temporary_directory

_SERVICES: Final = Path(__file__).parents[2] / "services"


class ServiceDatabaseFactory(Protocol):
    """Makes databases for one test; they are dropped after it."""

    async def __call__(self, service: str, *, migrations: Path | None = None) -> ServiceDsns:
        """A new migrated database of a service, of ``services/<service>/migrations`` unless told otherwise."""
        ...


class Templates:
    """A provisioned and migrated database for each service, cloned for each test."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server: Final = server
        self._templates: dict[tuple[str, Path], ServiceDsns] = {}
        self._numbers = itertools.count(1)

    async def clone(self, service: str, migrations: Path | None) -> ServiceDsns:
        """A new database with what the migrations make of it, for the service's own two roles."""
        directory = migrations or _SERVICES / service / "migrations"
        template = self._templates.get((service, directory))
        if template is None:
            template = self._templates[service, directory] = await self._prepare(service, directory)
        clone = f"{database_name(template.app)}_{next(self._numbers)}"
        async with self.admin() as admin:
            await _copy(admin, database_name(template.app), clone, service)
        return ServiceDsns(owner=with_database(template.owner, clone), app=with_database(template.app, clone))

    async def drop(self, dsns: ServiceDsns) -> None:
        """Drop a clone, whoever is still connected to it."""
        async with self.admin() as admin:
            await admin.execute(f'drop database "{database_name(dsns.app)}" with (force)')

    def admin(self) -> AbstractAsyncContextManager[asyncpg.Connection[Record]]:
        """A superuser's connection to the server."""
        return _connection(self.server.admin_dsn)

    async def _prepare(self, service: str, directory: Path) -> ServiceDsns:
        dsns = await provision(
            self.server.admin_dsn, service, owner_password=secrets.token_urlsafe(), password=secrets.token_urlsafe()
        )
        await migrate(dsns.owner, directory)
        return dsns


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before pytest-socket reads its options: loopback only."""
    config.option.allow_hosts = "127.0.0.0/8,::1"
    config.option.allow_unix_socket = True


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """This worker's PostgreSQL, started when the first test asks for it."""
    directory = temporary_directory()
    server = EmbeddedPostgres(directory, durable=False)
    try:
        asyncio.run(server.start())
        yield server
    finally:
        asyncio.run(server.stop())
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def database_templates(postgres: EmbeddedPostgres) -> Templates:
    """The templates that ``service_database`` clones."""
    return Templates(postgres)


@pytest_asyncio.fixture
async def service_database(database_templates: Templates) -> AsyncIterator[ServiceDatabaseFactory]:
    """``dsns = await service_database("identity")``: connect with ``dsns.app``, as the service does."""
    made: list[ServiceDsns] = []

    async def create(service: str, *, migrations: Path | None = None) -> ServiceDsns:
        dsns = await database_templates.clone(service, migrations)
        made.append(dsns)
        return dsns

    yield create
    for dsns in made:
        await database_templates.drop(dsns)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at 2030-01-01T00:00Z until it is advanced."""
    return FakeClock()


@pytest.fixture
def ids() -> SequentialIds:
    """Identifiers that count from one."""
    return SequentialIds()


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection[Record]]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def _copy(admin: asyncpg.Connection[Record], template: str, clone: str, service: str) -> None:
    owner = await admin.fetchval("select datdba::regrole::text from pg_database where datname = $1", template)
    await admin.execute(f'create database "{clone}" template "{template}" owner {owner} strategy file_copy')
    await restrict_connections(admin, service, clone)
