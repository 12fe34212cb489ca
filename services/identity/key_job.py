"""Rotating and counting contact keys as a process of its own: ``python -m services.identity.key_job rotate``.

What `hearthgate identity` runs, too. Here the answer is one JSON object on standard output, for a Kubernetes Job: an
image holds no library for terminals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr, field_validator

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database
from libs.runtime.errors import ServiceError
from libs.runtime.logging import configure_logging
from libs.runtime.settings import EX_CONFIG, DatabaseSettings, load_settings
from services.identity.contact_keys import ContactForm, ContactKeys
from services.identity.key_rotation import NO_ACCOUNT, KeyUse, Progress, Rotation, key_use, rotate_keys
from services.identity.storage.key_rotation import count_accounts

_STATEMENT: Final = timedelta(minutes=5)
"""Counting goes through whole tables."""
FORM_IS_DIRECT: Final = (
    "HEARTHGATE_CONTACT_FORM is direct: releases before migration 0006 may still serve, and could not read what this "
    "writes. Set it to envelope everywhere first"
)


class KeySettings(DatabaseSettings):
    """What the job is told, in the variables of the service."""

    contact_keys: SecretStr
    """As the service's."""
    contact_form: ContactForm = ContactForm.DIRECT
    """As the service's."""

    @field_validator("contact_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        ContactKeys.from_text(value.get_secret_value())
        return value

    def keys(self) -> ContactKeys:
        """The keys, in the form that is told."""
        return ContactKeys.from_text(self.contact_keys.get_secret_value(), form=self.contact_form)


class BrokenOffError(Exception):
    """The database failed midway; ``progress`` says how far it went."""

    def __init__(self, progress: Progress, error: ServiceError) -> None:
        super().__init__(f"{error.reason}: {error.detail or 'no detail'}")
        self.progress = progress


async def run_rotation(
    settings: KeySettings,
    rotation: Rotation,
    on_total: Callable[[int], None] = lambda _: None,
    on_batch: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Rotate. Raises BrokenOffError, after which the same call with ``after`` goes on."""
    so_far = Progress(last=rotation.after)

    def note(progress: Progress) -> None:
        nonlocal so_far
        so_far = progress
        on_batch(progress)

    database = await _connect(settings)
    try:
        async with DatabaseClock.open(database) as clock:
            on_total(await count_accounts(database, rotation.after))
            return await rotate_keys(database, settings.keys(), clock, rotation, note)
    except ServiceError as error:
        raise BrokenOffError(so_far, error) from error
    finally:
        await database.close()


async def run_key_use(settings: KeySettings) -> tuple[list[KeyUse], int]:
    """What stands under each key; how many accounts cannot be found under the first. Raises ServiceError."""
    database = await _connect(settings)
    try:
        return await key_use(database, settings.keys())
    finally:
        await database.close()


def use_as_dict(use: list[KeyUse], behind: int) -> dict[str, Any]:
    """For JSON."""
    return {"keys": [asdict(each) for each in use], "accounts_not_under_the_first_key": behind}


async def _connect(settings: DatabaseSettings) -> Database:
    return await Database.connect(
        settings.database_url.get_secret_value(),
        application_name="identity-keys",
        pool_size=settings.database_pool_size,
        statement_timeout=_STATEMENT,
    )


def main(arguments: list[str]) -> int:
    """0 when all is done; 1 when something failed or cannot be read; 78 for bad settings."""
    parser = argparse.ArgumentParser(prog="python -m services.identity.key_job", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    rotate = commands.add_parser("rotate", help="bring every account under the first key")
    rotate.add_argument("--retire", action="store_true", help="delete addresses' hashes under the other keys")
    rotate.add_argument("--dry-run", action="store_true", help="count what is to be done, and do nothing")
    rotate.add_argument("--after", type=UUID, default=NO_ACCOUNT, help="go on after this account")
    commands.add_parser("keys", help="count what stands under each key")
    chosen = parser.parse_args(arguments)
    settings = load_settings(KeySettings)
    configure_logging("identity-keys", settings.log_level)
    if chosen.command == "keys":
        return _print(use_as_dict(*asyncio.run(run_key_use(settings))))
    if settings.contact_form is ContactForm.DIRECT:
        sys.stderr.write(FORM_IS_DIRECT + "\n")
        return EX_CONFIG
    rotation = Rotation(retire=chosen.retire, dry_run=chosen.dry_run, after=chosen.after)
    try:
        progress = asyncio.run(run_rotation(settings, rotation))
    except BrokenOffError as broken:
        return _print(broken.progress.as_dict() | {"error": str(broken)}, code=1)
    return _print(progress.as_dict(), code=int(progress.unreadable > 0))


def _print(answer: dict[str, Any], *, code: int = 0) -> int:
    sys.stdout.write(json.dumps(answer) + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
