"""Which tables a statement would read from one end to the other, because no index finds its rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.persistence.database import Executor

_INDEXED: Final = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")


async def read_whole(executor: Executor, statement: str, *args: Any) -> set[str]:
    """The tables. Call it in a transaction in which ``enable_seqscan`` is off: what is scanned then has no index.

    An index that is walked without a condition finds nothing, and counts as no index.
    """
    ((text,),) = await executor.fetch(f"explain (format json) {statement}", *args)
    (plan,) = json.loads(text)
    return set(_whole(plan["Plan"]))


async def unindexed_references(executor: Executor) -> set[str]:
    """Foreign keys whose columns begin no index: a deletion of what they refer to would scan their table."""
    rows = await executor.fetch("""
        select c.conrelid::regclass || '.' || c.conname as name from pg_constraint c
        where c.contype = 'f' and not exists (
            select from pg_index i where i.indrelid = c.conrelid and i.indpred is null
              and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] operator(pg_catalog.@>) c.conkey)
    """)
    return {row["name"] for row in rows}


def _whole(node: Mapping[str, Any]) -> Iterator[str]:
    for below in node.get("Plans", ()):
        yield from _whole(below)
    kind = node["Node Type"]
    if kind == "Seq Scan" or (kind in _INDEXED and "Index Cond" not in node):
        yield node.get("Relation Name") or node["Index Name"]
