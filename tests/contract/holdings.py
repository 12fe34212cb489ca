"""Whether a service's list of what it holds about an account is whole: compared with the tables it really has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from libs.persistence.database import Database
from libs.persistence.privacy import Holding

_NAMES_AN_ACCOUNT: Final = r"^(.*_)?account_id$"
_OF_ACCOUNTS: Final = """
select c.table_name, c.column_name from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.column_name ~ $1
"""


async def unlisted(
    database: Database, holdings: Sequence[Holding], exceptions: Mapping[tuple[str, str], str]
) -> set[tuple[str, str]]:
    """Columns (table, column) that name an account and are neither held by anything in the list nor excepted.

    Fails for an exception without a reason, and for one that is none any more.
    """
    rows = await database.fetch(_OF_ACCOUNTS, _NAMES_AN_ACCOUNT)
    columns = {(row["table_name"], row["column_name"]) for row in rows}
    listed = {(each.table, each.column) for each in holdings}
    assert all(exceptions.values()), "an exception says why"
    assert set(exceptions) <= columns - listed, "an exception is of a column that is there, and not listed"
    return columns - listed - set(exceptions)


async def unknown_tables(database: Database, holdings: Sequence[Holding]) -> set[str]:
    """Tables in the list that the database does not have."""
    rows = await database.fetch("select table_name from information_schema.tables where table_schema = 'public'")
    return {each.table for each in holdings} - {row["table_name"] for row in rows}
