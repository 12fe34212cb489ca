"""Data source names: reading and changing them without showing their passwords."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceDsns:
    """The two ways into a service's database: its owner, who migrates, and its app role, which serves."""

    owner: str = field(repr=False)
    app: str = field(repr=False)


def with_role(dsn: str, *, user: str, password: str, database: str) -> str:
    """The same server (or servers) and parameters with another role and database."""
    parts = urlsplit(dsn)
    hosts = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{hosts}"
    return urlunsplit((parts.scheme, netloc, f"/{quote(database, safe='')}", parts.query, ""))


def with_database(dsn: str, database: str) -> str:
    """The same server, role and parameters with another database."""
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{quote(database, safe='')}", parts.query, ""))


def database_name(dsn: str) -> str:
    """The database that a DSN names."""
    return urlsplit(dsn).path.removeprefix("/")
