"""A pool of PostgreSQL connections behind a small interface that raises our errors."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, TypeVar

import asyncpg
from asyncpg import Record

from libs.persistence.errors import translated
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from libs.runtime.settings import DatabaseSettings

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    AnyConnection = asyncpg.Connection[Record] | PoolConnectionProxy[Record]

T = TypeVar("T")
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

_CONNECT_SECONDS: Final = 3.0
# The server's own timeout should answer first; the driver's is for a server that does not answer at all.
_COMMAND_MARGIN_SECONDS: Final = 1.0
_ROLLBACK_SECONDS: Final = 2.0
_log = get_logger(__name__)


class Executor(Protocol):
    """What runs statements: the database itself (a connection each), or a transaction.

    Every method raises ServiceError (STORAGE_UNAVAILABLE, CONCURRENT_CHANGE, INTERNAL) or UniqueViolation.
    """

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """Every row."""
        ...

    async def fetch_row(self, sql: str, *args: Any) -> Record | None:
        """The first row, or None."""
        ...

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        ...

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement; the answer is PostgreSQL's command tag, e.g. ``UPDATE 1``."""
        ...

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of arguments: all of them or none."""
        ...


class Session(Executor):
    """An executor over one connection."""

    def __init__(self, connection: AnyConnection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """Every row."""
        with translated():
            return await self._connection.fetch(sql, *args)

    async def fetch_row(self, sql: str, *args: Any) -> Record | None:
        """The first row, or None."""
        with translated():
            return await self._connection.fetchrow(sql, *args)

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        with translated():
            return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement and return its command tag."""
        with translated():
            return await self._connection.execute(sql, *args)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of arguments: all of them or none."""
        with translated():
            await self._connection.executemany(sql, rows)


class Database(Executor):
    """A service's database. Build it with :meth:`connect`; close it at the end."""

    def __init__(self, pool: asyncpg.Pool[Record], *, acquire_timeout: timedelta) -> None:
        self._pool = pool
        self._acquire_seconds = acquire_timeout.total_seconds()

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        application_name: str,
        pool_size: int = 8,
        statement_timeout: timedelta = timedelta(seconds=3),
        lock_timeout: timedelta = timedelta(seconds=2),
        idle_in_transaction_timeout: timedelta = timedelta(seconds=10),
        acquire_timeout: timedelta = timedelta(seconds=3),
        statement_cache_size: int = 100,
    ) -> Self:
        """Open a pool of up to ``pool_size`` connections.

        No connection is made before the first statement, so that a service starts while PostgreSQL is down.
        ``acquire_timeout`` bounds the wait for a free connection and its opening. Behind a PgBouncer older than
        1.21, ``statement_cache_size`` must be 0.
        """
        with translated():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=0,
                max_size=pool_size,
                reset=_keep_session,
                timeout=_CONNECT_SECONDS,
                command_timeout=statement_timeout.total_seconds() + _COMMAND_MARGIN_SECONDS,
                statement_cache_size=statement_cache_size,
                server_settings={
                    "application_name": application_name,
                    **_session_defaults(statement_timeout, lock_timeout, idle_in_transaction_timeout),
                },
            )
        return cls(pool, acquire_timeout=acquire_timeout)

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """Every row."""
        async with self.session() as session:
            return await session.fetch(sql, *args)

    async def fetch_row(self, sql: str, *args: Any) -> Record | None:
        """The first row, or None."""
        async with self.session() as session:
            return await session.fetch_row(sql, *args)

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        async with self.session() as session:
            return await session.fetch_value(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement and return its command tag."""
        async with self.session() as session:
            return await session.execute(sql, *args)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of arguments: all of them or none."""
        async with self.session() as session:
            await session.execute_many(sql, rows)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """One connection for several statements, each committed by itself."""
        async with self._connection() as connection:
            yield Session(connection)

    @asynccontextmanager
    async def transaction(self, *, isolation: Isolation = "read_committed") -> AsyncIterator[Executor]:
        """Statements that are committed together at the end of the block, or rolled back when it raises.

        STORAGE_UNAVAILABLE from the commit leaves open whether it landed: repeat with the same request id.
        """
        async with self._connection() as connection:
            transaction = connection.transaction(isolation=isolation)
            with translated():
                await transaction.start()
            try:
                yield Session(connection)
            except BaseException:
                await _roll_back(transaction)
                raise
            with translated():
                await transaction.commit()

    async def ping(self, timeout: timedelta = timedelta(seconds=1)) -> None:
        """Return when the database answers; STORAGE_UNAVAILABLE when it does not within the timeout.

        Tried twice, as the connection taken may have died unnoticed.
        """
        with translated():
            async with asyncio.timeout(timeout.total_seconds()):
                try:
                    await self.execute("/* ping */ select 1")
                except ServiceError:
                    await self.execute("/* ping */ select 1")

    async def close(self, timeout: timedelta = timedelta(seconds=5)) -> None:
        """Wait for connections in use, then close them all; those in use after the timeout are cut."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._pool.close()
        except TimeoutError:
            _log.warning("connections cut at close")
            self._pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[PoolConnectionProxy[Record]]:
        with translated():
            connection = await self._pool.acquire(timeout=self._acquire_seconds)
        try:
            yield connection
        finally:
            with translated():
                await self._pool.release(connection, timeout=_ROLLBACK_SECONDS)


@asynccontextmanager
async def open_database(settings: DatabaseSettings, service: str) -> AsyncIterator[Database]:
    """A service's database as its settings name it, closed at the end of the block."""
    dsn = settings.database_url.get_secret_value()
    database = await Database.connect(dsn, application_name=service, pool_size=settings.database_pool_size)
    try:
        yield database
    finally:
        await database.close()


async def retry_conflicts(fn: Callable[[], Awaitable[T]], attempts: int = 3) -> T:
    """Call ``fn`` again, up to ``attempts`` times in all, while it raises CONCURRENT_CHANGE.

    ``fn`` holds the whole transaction. Between attempts it waits a few milliseconds, at random.
    """
    for attempt in range(1, attempts):
        try:
            return await fn()
        except ServiceError as error:
            if error.reason is not ErrorReason.CONCURRENT_CHANGE:
                raise
        await asyncio.sleep(random.uniform(0.001, 0.005 * 2**attempt))
    return await fn()


async def _roll_back(transaction: Any) -> None:
    # The error that ended the block matters; a connection that cannot roll back is discarded by the pool.
    try:
        async with asyncio.timeout(_ROLLBACK_SECONDS):
            await transaction.rollback()
    except Exception as exc:
        _log.debug("rollback failed", error=type(exc).__name__)


async def _keep_session(_connection: object) -> None:
    """In place of RESET ALL and its kin at each release: a round trip, for session state that nobody here sets.

    The pool itself still rolls back a transaction left open.
    """


def _session_defaults(statement: timedelta, lock: timedelta, idle_in_transaction: timedelta) -> dict[str, str]:
    return {
        "timezone": "UTC",
        "statement_timeout": _milliseconds(statement),
        "lock_timeout": _milliseconds(lock),
        "idle_in_transaction_session_timeout": _milliseconds(idle_in_transaction),
        # Compiling costs more than any statement of ours takes.
        "jit": "off",
    }


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))
