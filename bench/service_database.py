"""A service's migrated database in a PostgreSQL of its own, which counts the statements that it is sent."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from asyncpg import Record

from libs.persistence.database import Database
from libs.persistence.dsn import ServiceDsns, database_name
from libs.persistence.migrations import migrate
from libs.persistence.provision import provision
from libs.testing.postgres import EmbeddedPostgres, temporary_directory

_SERVICES: Final = Path(__file__).parents[1] / "services"
_STATEMENTS: Final = """
select coalesce(sum(s.calls), 0)::bigint from pg_stat_statements s join pg_database d on d.oid = s.dbid
where d.datname = $1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceDatabase:
    """The database as the service uses it: its app role, and one connection."""

    app: Database
    dsns: ServiceDsns
    driver: asyncpg.Pool[Record]
    """The same with the driver's own pool, and nothing of ours around it."""
    admin: asyncpg.Connection[Record]

    async def statements(self) -> int:
        """How many statements the database has run so far, transactions' own included: each is a round trip."""
        count: int = await self.admin.fetchval(_STATEMENTS, database_name(self.dsns.app))
        return count

    async def server_version(self) -> str:
        """PostgreSQL's version."""
        version: str = await self.admin.fetchval("show server_version")
        return version

    async def analyze(self) -> None:
        """Let the planner know the tables, as autovacuum would in time."""
        owner = await asyncpg.connect(self.dsns.owner)
        try:
            await owner.execute("analyze")
        finally:
            await owner.close()


@asynccontextmanager
async def service_database(service: str) -> AsyncIterator[ServiceDatabase]:
    """Start PostgreSQL, make the service's database with its roles and migrations, and drop all of it at the end."""
    directory = temporary_directory()
    server = EmbeddedPostgres(directory, durable=False)
    try:
        await server.start()
        await _count_statements(server)
        dsns = await provision(
            server.admin_dsn, service, owner_password=secrets.token_urlsafe(), password=secrets.token_urlsafe()
        )
        await migrate(dsns.owner, _SERVICES / service / "migrations")
        async with AsyncExitStack() as stack:
            admin = await asyncpg.connect(server.admin_dsn)
            driver = await asyncpg.create_pool(dsns.app, min_size=0, max_size=1, reset=_keep_session)
            app = await Database.connect(dsns.app, application_name=service, pool_size=1)
            for each in (admin, driver, app):
                stack.push_async_callback(each.close)
            await admin.execute("create extension pg_stat_statements")
            yield ServiceDatabase(app=app, driver=driver, dsns=dsns, admin=admin)
    finally:
        await server.stop()
        shutil.rmtree(directory)


async def _count_statements(server: EmbeddedPostgres) -> None:
    """Load the extension that counts, which takes another start."""
    admin = await asyncpg.connect(server.admin_dsn)
    await admin.execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
    await admin.close()
    await server.stop()
    await server.start()


async def _keep_session(_connection: object) -> None:
    """No statement of its own when a connection is given back, as in the service's pool."""
