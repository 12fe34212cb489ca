"""Verifying the audit log as a process of its own: ``python -m services.identity.audit_job verify``.

What `hearthgate audit verify` runs, too. Here the answer is one JSON object on standard output, for a Kubernetes
CronJob: an image holds no library for terminals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

from pydantic import SecretStr, model_validator

from libs.persistence.database import Database
from libs.runtime.errors import ServiceError
from libs.runtime.logging import configure_logging, get_logger
from libs.runtime.settings import DatabaseSettings, load_settings
from services.identity.anchor_file import AnchorFile, AnchorFileError, AnchorPath
from services.identity.audit_keys import AuditKeys
from services.identity.audit_verification import Report, verify
from services.identity.storage.audit import count_subjects, database_time, last_anchor

_STATEMENT: Final = timedelta(minutes=2)
_log = get_logger(__name__)


class AuditSettings(DatabaseSettings):
    """What the job is told, in the variables of the service."""

    contact_keys: SecretStr = SecretStr("")
    """As the service's; the log's keys are derived from them where it has none of its own."""
    audit_keys: SecretStr = SecretStr("")
    """As the service's."""
    audit_anchor_file: AnchorPath = None
    """As the service's; empty: the database is compared with itself alone."""

    @model_validator(mode="after")
    def _has_keys(self) -> Self:
        self.keys()
        return self

    def keys(self) -> AuditKeys:
        """The keys that verify. Raises ValueError without any."""
        return AuditKeys.from_texts(self.audit_keys.get_secret_value(), self.contact_keys.get_secret_value())


async def look(
    database_url: str,
    keys: AuditKeys,
    anchors: Path | None,
    *,
    on_total: Callable[[int], object] = lambda _: None,
    progress: Callable[[int], object] = lambda _: None,
) -> Report:
    """Look at everything. Raises ServiceError when the database fails, AnchorFileError when the file cannot be read."""
    database = await Database.connect(
        database_url, application_name="audit-verify", pool_size=2, statement_timeout=_STATEMENT
    )
    try:
        now = await database_time(database)
        on_total(await count_subjects(database))
        outside = AnchorFile(anchors) if anchors is not None and not await _not_begun(database, anchors) else None
        return await verify(database, keys, outside, now=now, progress=progress)
    finally:
        await database.close()


async def _not_begun(database: Database, anchors: Path) -> bool:
    """Whether nothing was ever anchored, in here or out there: a new installation."""
    return await last_anchor(database) is None and not await asyncio.to_thread(anchors.exists)


def as_dict(report: Report) -> dict[str, Any]:
    """For JSON."""
    newest = report.newest
    return {
        "sound": report.sound,
        "subjects": report.subjects,
        "events": report.events,
        "anchors": report.anchors,
        "anchors_outside": report.anchors_outside,
        "newest_anchor": json.loads(newest.record()) if newest is not None else None,
        "found": report.found,
        "findings": [
            {
                "damage": each.damage,
                "subject_id": str(each.subject_id) if each.subject_id else None,
                "sequence": each.sequence,
                "anchor": each.anchor,
                "text": each.text,
            }
            for each in report.findings
        ],
    }


def main(arguments: list[str]) -> int:
    """0 when all is sound; 1 when something is damaged or unreadable; 2 for a wrong command; 78 for bad settings."""
    parser = argparse.ArgumentParser(prog="python -m services.identity.audit_job", description=__doc__)
    parser.add_subparsers(dest="command", required=True).add_parser("verify", help="every chain and every anchor")
    parser.parse_args(arguments)
    settings = load_settings(AuditSettings)
    configure_logging("audit-verify", settings.log_level)
    if settings.audit_anchor_file is None:
        _log.warning("no anchors from outside are looked at", setting="HEARTHGATE_AUDIT_ANCHOR_FILE")
    looking = look(settings.database_url.get_secret_value(), settings.keys(), settings.audit_anchor_file)
    return asyncio.run(_report(looking))


async def _report(looking: Awaitable[Report]) -> int:
    try:
        report = await looking
    except ServiceError as error:
        return _failed(f"the database could not be read: {error.detail or error.reason}")
    except AnchorFileError as error:
        return _failed(str(error))
    if not report.sound:
        _log.error("audit log damaged", found=report.found, damages=sorted({each.damage for each in report.findings}))
    sys.stdout.write(json.dumps(as_dict(report)) + "\n")
    return int(not report.sound)


def _failed(text: str) -> int:
    _log.error("audit log not verified", error=text)
    sys.stdout.write(json.dumps({"sound": None, "error": text}) + "\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
