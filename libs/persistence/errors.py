"""The one place where the driver's errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from libs.runtime.errors import ErrorReason, ServiceError

# The statement may be tried again at once: the server undid it because of somebody else's.
_CONFLICTS: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

# The database was not reached, went away, or was too slow. An error here does not say that nothing was committed.
_UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # statement timeout, shutdown, starting up
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a former primary after a failover
    asyncpg.InvalidAuthorizationSpecificationError,  # while a password is being rotated
    asyncpg.InvalidCatalogNameError,  # not provisioned yet
    asyncpg.TargetServerAttributeNotMatched,  # a multi-host DSN while no primary is elected
)


class UniqueViolation(Exception):
    """A row with the same unique key exists already; ``constraint`` is the name of the index that says so."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


def translate(exc: Exception) -> Exception:
    """The error that a use case may see in place of the driver's. Ours come back unchanged.

    The detail holds the server's message without its DETAIL line, which quotes the row's values.
    """
    if isinstance(exc, ServiceError | UniqueViolation):
        return exc
    if isinstance(exc, asyncpg.UniqueViolationError):
        return UniqueViolation(exc.constraint_name or "")
    if isinstance(exc, _CONFLICTS):
        return ServiceError(ErrorReason.CONCURRENT_CHANGE, detail=_describe(exc))
    if isinstance(exc, _UNAVAILABLE) or _is_closed(exc):
        return ServiceError(ErrorReason.STORAGE_UNAVAILABLE, detail=_describe(exc))
    return ServiceError(ErrorReason.INTERNAL, detail=_describe(exc))


@contextmanager
def translated() -> Iterator[None]:
    """Raise what :func:`translate` makes of any exception from the driver calls inside."""
    try:
        yield
    except Exception as exc:
        translation = translate(exc)
        if translation is exc:
            raise
        raise translation from exc


def _is_closed(exc: Exception) -> bool:
    # The driver has one class for misuse and for a closed connection or pool; only the text tells them apart.
    if isinstance(exc, asyncpg.InternalClientError):
        # State 2: the server said that it goes, nobody had asked it anything, and the end of the connection is to come.
        return "another operation (2) is in progress" in str(exc)
    return isinstance(exc, asyncpg.InterfaceError) and any(
        word in str(exc) for word in ("is closed", "is closing", "was closed", "been released")
    )


def _describe(exc: Exception) -> str:
    message = f": {exc.args[0]}" if exc.args and exc.args[0] else ""
    constraint = getattr(exc, "constraint_name", None)
    return f"{type(exc).__name__}{message}" + (f" ({constraint})" if constraint else "")
