"""ExportAccount: everything that the challenge service holds about an account, for its owner."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from libs.persistence.privacy import Exported, Subject, export_holdings
from services.challenge.storage.privacy import HOLDINGS
from services.challenge.use_cases.context import Context


def export_account(
    account_id: UUID, destinations: Sequence[str], *, context: Context
) -> AsyncGenerator[list[Exported]]:
    """The records in chunks; none for an account that has none. Close it when leaving early."""
    return export_holdings(context.database, HOLDINGS, subject_of(account_id, destinations, context))


def subject_of(account_id: UUID, destinations: Sequence[str], context: Context) -> Subject:
    """Whom it is about; the owner's addresses and numbers are hashed as sends to them were."""
    return Subject(account_id=account_id, contact_hashes=hashes_of(destinations, context))


def hashes_of(destinations: Sequence[str], context: Context) -> tuple[bytes, ...]:
    """Under what sends to these are counted."""
    return tuple(sorted(context.keys.contact_hashes(destinations)))
