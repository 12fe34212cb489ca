"""Every table of every service's database has an end: a rule, a bound with its reason, or it is a catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from libs.devstack.retention import Service, settings_of
from libs.persistence.database import Database
from libs.persistence.retention import Policy, apply
from libs.runtime.clock import FakeClock
from libs.testing.plugin import ServiceDatabaseFactory

TABLES = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p')
"""
UNINDEXED = """
select exists (
    select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = $1::text::regclass and a.attname = $2 and (i.indisprimary or not $3)
)
"""


def policy_of(service: Service) -> Policy:
    """With the defaults."""
    return settings_of(service).model_construct().retention_policy()


@pytest.mark.parametrize("service", list(Service))
async def test_every_table_is_in_the_policy_and_every_rule_runs(
    service: Service, service_database: ServiceDatabaseFactory, clock: FakeClock
) -> None:
    """A new table needs a rule, or words, in services/<service>/retention.py: on an empty database all of them run."""
    policy = policy_of(service)
    database = await Database.connect((await service_database(service)).app, application_name="test")
    try:
        tables = {row["relname"] for row in await database.fetch(TABLES)}
        assert policy.tables() == tables
        for dry_run in (True, False):
            outcomes = await apply(database, clock, policy, dry_run=dry_run)
            assert [(each.table, each.failure, each.rows) for each in outcomes if each.failure or each.rows] == []
    finally:
        await database.close()


@pytest.mark.parametrize("service", list(Service))
async def test_what_is_not_walked_has_an_index_on_its_time(
    service: Service, service_database: ServiceDatabaseFactory
) -> None:
    """Otherwise each batch would read the table from its beginning."""
    database = await Database.connect((await service_database(service)).app, application_name="test")
    try:
        for rule in policy_of(service).rules:
            if rule.purge is None:
                column = rule.walk or rule.condition.split()[0]
                assert await database.fetch_value(UNINDEXED, rule.table, column, bool(rule.walk)), (rule.table, column)
    finally:
        await database.close()


def test_nothing_says_two_things_of_a_table_and_every_word_is_there() -> None:
    for service in Service:
        policy = policy_of(service)
        ruled = {rule.table for rule in policy.rules}
        assert not ruled & (set(policy.bounded) | set(policy.catalogue))
        words: Sequence[str] = [*policy.bounded.values(), *policy.catalogue.values(), *(r.why for r in policy.rules)]
        assert all(each.endswith(".") for each in words)
        settings = settings_of(service).model_fields
        named = {rule.setting.removeprefix("HEARTHGATE_").lower() for rule in policy.rules if rule.setting}
        assert named <= set(settings)
