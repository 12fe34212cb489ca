"""Retention as a process of its own, for a scheduled job: ``python -m services.<name>.retention run``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database
from libs.persistence.retention import Outcome, Policy, apply
from libs.runtime.errors import ServiceError
from libs.runtime.logging import configure_logging
from libs.runtime.settings import DatabaseSettings, load_settings

_STATEMENT: Final = timedelta(minutes=5)
"""A dry run counts whole tables."""
_CONNECTIONS: Final = 2


class RetentionSettings(DatabaseSettings):
    """What a service's retention is told: its own numbers in a subclass, and the database. No key, no secret else."""

    def retention_policy(self) -> Policy:
        """The service's policy with these numbers."""
        raise NotImplementedError


async def run_once(settings: RetentionSettings, *, dry_run: bool) -> list[Outcome]:
    """Apply a service's policy once. Raises ServiceError where the database is not reached at all."""
    policy = settings.retention_policy()
    database = await Database.connect(
        settings.database_url.get_secret_value(),
        application_name=f"{policy.service}-retention",
        pool_size=_CONNECTIONS,
        statement_timeout=_STATEMENT,
    )
    try:
        await database.ping()
        async with DatabaseClock.open(database) as clock:
            return await apply(database, clock, policy, dry_run=dry_run)
    finally:
        await database.close()


def outcomes_as_dict(service: str, outcomes: Sequence[Outcome], *, dry_run: bool) -> dict[str, Any]:
    """For JSON."""
    rules = [
        {
            "table": each.table,
            "what": each.what,
            "before": each.before.isoformat(),
            "rows": each.rows,
            **({"failure": each.failure} if each.failure else {}),
        }
        for each in outcomes
    ]
    return {"service": service, "dry_run": dry_run, "rules": rules}


def main(settings_type: type[RetentionSettings], arguments: list[str]) -> int:
    """0 when every rule was applied; 1 when one failed, or the database was away; 78 for bad settings."""
    parser = argparse.ArgumentParser(description="Delete what is past its retention, once.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="apply the policy")
    run.add_argument("--dry-run", action="store_true", help="count what would go, and delete nothing")
    chosen = parser.parse_args(arguments)
    settings = load_settings(settings_type)
    service = settings.retention_policy().service
    configure_logging(f"{service}-retention", settings.log_level)
    try:
        outcomes = asyncio.run(run_once(settings, dry_run=chosen.dry_run))
    except ServiceError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return 1
    sys.stdout.write(json.dumps(outcomes_as_dict(service, outcomes, dry_run=chosen.dry_run)) + "\n")
    return int(any(each.failure for each in outcomes))
