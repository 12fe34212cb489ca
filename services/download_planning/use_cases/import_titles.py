"""ImportTitles: rows in, good ones kept by the batch, bad ones named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from libs.runtime.logging import get_logger
from services.download_planning.domain.import_rules import Refusal, StreamCheck
from services.download_planning.domain.titles import Title
from services.download_planning.use_cases.context import Context

MAX_NAMED: Final = 1000
"""Refused rows that are named in the answer; all are counted."""
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row as it came: its title, or why it cannot be one."""

    title_id: str
    title: Title | Refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRow:
    """A row that was not taken; ``row`` counts from 1."""

    row: int
    title_id: str
    refusal: Refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What became of the rows."""

    imported_count: int
    refused_count: int
    refused_rows: tuple[RefusedRow, ...]


async def import_titles(context: Context, rows: AsyncIterator[Row]) -> ImportReport:
    """Take in the rows. What was kept before the stream breaks off stays."""
    check, batch, refused = StreamCheck(), list[Title](), list[RefusedRow]()
    imported = refused_count = number = 0
    async for row in rows:
        number += 1
        outcome = row.title if isinstance(row.title, Refusal) else check.check(number, row.title) or row.title
        if isinstance(outcome, Title):
            batch.append(outcome)
        else:
            refused_count += 1
            if len(refused) < MAX_NAMED:
                refused.append(RefusedRow(row=number, title_id=row.title_id, refusal=outcome))
        if len(batch) >= context.policy.import_batch_rows:
            imported += await _keep(context, batch)
    imported += await _keep(context, batch)
    _log.info("titles imported", imported=imported, refused=refused_count)
    return ImportReport(imported_count=imported, refused_count=refused_count, refused_rows=tuple(refused))


async def _keep(context: Context, batch: list[Title]) -> int:
    """Save and empty the batch; how many it held."""
    count = len(batch)
    await context.catalogue_store.save(batch, context.clock.now())
    batch.clear()
    return count
