"""Each service's migrations, one by one: what one adds, its way down removes, and its way up brings back the same."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from asyncpg import Record

from libs.testing.plugin import ServiceDatabaseFactory

ROOT = Path(__file__).resolve().parents[3]
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/migrations"))
SHAPE = """
select 'column' as what, table_name || '.' || column_name as name,
       concat_ws(' ', data_type, is_nullable, column_default) as definition
from information_schema.columns where table_schema = 'public'
union all
select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'privilege', table_name || ' ' || grantee, string_agg(privilege_type, ',' order by privilege_type)
from information_schema.role_table_grants where table_schema = 'public' group by table_name, grantee
"""
Shape = set[tuple[str, str, str]]


async def shape(connection: asyncpg.Connection[Record]) -> Shape:
    """Every column, constraint, index and privilege."""
    return {(row["what"], row["name"], row["definition"]) for row in await connection.fetch(SHAPE)}


def ways(file: Path) -> tuple[str, str]:
    """A migration's way up and its way down."""
    up, down = file.read_text().split("-- migrate:down")
    return up.partition("-- migrate:up")[2], down


@pytest.mark.parametrize("service", SERVICES)
async def test_every_migration_goes_down_and_up_to_the_same_schema(
    service: str, service_database: ServiceDatabaseFactory
) -> None:
    files = sorted((ROOT / "services" / service / "migrations").glob("*.sql"))
    connection = await asyncpg.connect((await service_database(service)).owner)
    shapes = [await shape(connection)]
    for file in reversed(files):
        await connection.execute(ways(file)[1])
        shapes.append(await shape(connection))
    assert shapes[-1] == set()
    for file in files:
        assert shapes.pop() == await shape(connection), f"before {file.name}"
        await connection.execute(ways(file)[0])
    assert shapes.pop() == await shape(connection)
    await connection.close()
