"""ExportAccount: everything that download_planning holds about an account, for its owner."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from libs.persistence.privacy import Exported
from services.download_planning.use_cases.context import Context


def export_account(context: Context, account_id: UUID) -> AsyncGenerator[list[Exported]]:
    """The records in chunks; none for an account that has none. Close it when leaving early."""
    return context.store.export_account(account_id)
