"""The jobs as processes: what a Kubernetes Job starts, and what a person types, over a real database."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from libs.persistence.database import Database
from libs.runtime.clock import FakeClock
from libs.testing.plugin import ServiceDatabaseFactory
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import Channel
from services.identity.storage import accounts

ROOT = Path(__file__).parents[3]
OLD, NEW = "A" * 43, "E" * 42 + "A"
EMAIL = "ada.lovelace@example.com"
ACCOUNT = """
insert into account (account_id, state, plan_id, country_code, language, email_taken, create_time, activate_time)
values ($1, $2, 'standard', 'DE', 'en', false, $3, $4)
"""


@pytest.fixture
async def dsn(service_database: ServiceDatabaseFactory) -> str:
    """A migrated database of identity, for its app role."""
    return (await service_database("identity")).app


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """The same, to look at."""
    database = await Database.connect(dsn, application_name="test")
    yield database
    await database.close()


async def run(module: str, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, output and log of a process that has these variables and none of ours."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "libs" / "stubs")))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": paths} | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, log = await process.communicate()
    return process.returncode or 0, output.decode(), log.decode()


async def an_account(database: Database, clock: FakeClock) -> None:
    """An active account under the old key, in the old form."""
    account_id, keys = uuid4(), ContactKeys.from_text(f"old:{OLD}")
    await database.execute(ACCOUNT, account_id, "ACTIVE", clock.now(), clock.now())
    await accounts.insert_contact(database, keys, account_id=account_id, channel=Channel.EMAIL, destination=EMAIL)
    assert await accounts.claim_address(database, keys.email_hashes(EMAIL), account_id)


async def test_a_rotation_by_command_is_counted_before_and_after(
    dsn: str, database: Database, clock: FakeClock
) -> None:
    await an_account(database, clock)
    given = {
        "HEARTHGATE_DATABASE_URL": dsn,
        "HEARTHGATE_CONTACT_KEYS": f"new:{NEW},old:{OLD}",
        "HEARTHGATE_CONTACT_FORM": "envelope",
    }
    code, output, log = await run("services.identity.key_job", "rotate", **given)
    assert (code, json.loads(output)["contacts_resealed"]) == (0, 1), log
    assert EMAIL not in output + log
    cli = "libs.devstack.cli"
    code, output, _ = await run(cli, "identity", "keys", "--json", **given)
    use = {each["label"]: each["addresses"] for each in json.loads(output)["keys"]}
    assert (code, use) == (0, {"new": 1, "old": 1})
    code, output, _ = await run(cli, "identity", "rotate-keys", "--retire", **given)
    assert (code, "addresses retired: 1" in output) == (0, True)
    code, output, _ = await run("services.identity.key_job", "keys", **given)
    counted = json.loads(output)
    assert counted["accounts_not_under_the_first_key"] == 0
    assert counted["keys"][1] == {"label": "old", "data_keys": 0, "direct_contacts": 0, "addresses": 0}
    _, output, _ = await run(cli, "identity", "keys", **given)
    assert "new (current)" in output


async def test_a_rotation_whose_database_is_away_says_where_to_go_on(dsn: str) -> None:
    given = {
        "HEARTHGATE_DATABASE_URL": dsn.replace("hearthgate_identity:", "nobody:"),
        "HEARTHGATE_CONTACT_KEYS": NEW,
        "HEARTHGATE_CONTACT_FORM": "envelope",
    }
    after = str(uuid4())
    code, output, _ = await run("services.identity.key_job", "rotate", "--after", after, **given)
    answer = json.loads(output)
    assert (code, answer["last"]) == (1, after)
    assert answer["error"].startswith("STORAGE_UNAVAILABLE")


async def test_retention_runs_with_the_database_and_nothing_else(dsn: str, database: Database) -> None:
    """No contact key is given to it."""
    old = FakeClock().now().replace(year=2020)
    await database.execute("insert into sign_up values ($1, $2, $3, $4)", uuid4(), uuid4(), b"fingerprint", old)
    given = {"HEARTHGATE_DATABASE_URL": dsn}
    counts = []
    for arguments in (("--dry-run",), (), ()):
        code, output, log = await run("services.identity.retention", "run", *arguments, **given)
        assert code == 0, log
        counts.append({each["table"]: each["rows"] for each in json.loads(output)["rules"]}["sign_up"])
    assert counts == [1, 1, 0]
    code, output, _ = await run(
        "libs.devstack.cli", "retention", "run", "--service", "identity", "--json", "--dry-run", **given
    )
    assert (code, json.loads(output)["service"]) == (0, "identity")


async def test_a_retention_that_cannot_be_applied_ends_with_a_failure(dsn: str) -> None:
    """The CronJob is then seen to fail."""
    away = dsn.replace("hearthgate_identity:", "nobody:")
    code, _, log = await run("services.identity.retention", "run", HEARTHGATE_DATABASE_URL=away)
    assert (code, log.startswith("STORAGE_UNAVAILABLE") or "STORAGE_UNAVAILABLE" in log) == (1, True)
    code, _, log = await run("services.identity.retention", "run")
    assert (code, "HEARTHGATE_DATABASE_URL" in log) == (78, True)
