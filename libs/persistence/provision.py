"""A service's own database with its two roles, and no way from there to any other."""

from __future__ import annotations

import hmac
import os
import re
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256
from typing import Final

import asyncpg
from asyncpg import Record

from libs.persistence.dsn import ServiceDsns, with_database, with_role
from libs.persistence.errors import translated

_SERVICE: Final = re.compile(r"[a-z][a-z_]{0,40}", re.ASCII)
_SCRAM_ITERATIONS: Final = 4096
_TIMEOUT_SECONDS: Final = 30.0


def database_of(service: str) -> str:
    """The name of a service's database, e.g. ``hearthgate_identity``. Its app role has the same name."""
    if not _SERVICE.fullmatch(service):
        raise ValueError("a service is named in lower-case letters and underscores")
    return f"hearthgate_{service}"


def owner_of(service: str) -> str:
    """The name of the role that owns a service's database and runs its migrations."""
    return f"{database_of(service)}_owner"


async def provision(admin_dsn: str, service: str, owner_password: str, password: str) -> ServiceDsns:
    """Create a service's database and roles where they are missing, and set passwords and privileges anew.

    ``admin_dsn`` belongs to a superuser. Idempotent, except that two runs for one service must not overlap.
    Raises ServiceError as ``libs.persistence.errors`` says.
    """
    database, owner = database_of(service), owner_of(service)
    with translated():
        admin = await _connect(admin_dsn)
        try:
            await _ensure_role(admin, owner, owner_password)
            await _ensure_role(admin, database, password)
            await _ensure_database(admin, database, owner)
            await restrict_connections(admin, service, database)
        finally:
            await admin.close()
        await _grant_data_access(with_database(admin_dsn, database), owner, app=database)
    return ServiceDsns(
        owner=with_role(admin_dsn, user=owner, password=owner_password, database=database),
        app=with_role(admin_dsn, user=database, password=password, database=database),
    )


async def restrict_connections(admin: asyncpg.Connection[Record], service: str, database: str) -> None:
    """Let only the service's two roles connect to a database. A clone from a template does not inherit this."""
    await admin.execute(f'revoke all on database "{database}" from public')
    await admin.execute(f'grant connect on database "{database}" to "{owner_of(service)}", "{database_of(service)}"')


def scram_verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (SCRAM-SHA-256), so that the password itself is never in a statement."""
    salt = os.urandom(16)
    salted = pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    stored = sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


async def _connect(dsn: str) -> asyncpg.Connection[Record]:
    return await asyncpg.connect(dsn, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS)


async def _ensure_role(admin: asyncpg.Connection[Record], role: str, password: str) -> None:
    if not await admin.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        await admin.execute(f'create role "{role}"')
    # Utility statements take no parameters; both texts have fixed alphabets without quotes.
    await admin.execute(
        f'alter role "{role}" login nosuperuser nocreatedb nocreaterole noreplication nobypassrls '
        f"password '{scram_verifier(password)}'"
    )


async def _ensure_database(admin: asyncpg.Connection[Record], database: str, owner: str) -> None:
    if not await admin.fetchval("select exists (select from pg_database where datname = $1)", database):
        await admin.execute(f'create database "{database}" owner "{owner}" template template0 encoding \'UTF8\'')
    await admin.execute(f'alter database "{database}" owner to "{owner}"')


async def _grant_data_access(dsn: str, owner: str, app: str) -> None:
    """DML on whatever the owner makes in ``public``; nothing else for the app role."""
    connection = await _connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("revoke all on schema public from public")
            await connection.execute(f'alter schema public owner to "{owner}"')
            await connection.execute(f'grant usage on schema public to "{app}"')
            for privileges in ("select, insert, update, delete on tables", "usage on sequences"):
                await connection.execute(
                    f'alter default privileges for role "{owner}" in schema public grant {privileges} to "{app}"'
                )
    finally:
        await connection.close()
