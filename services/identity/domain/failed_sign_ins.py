"""Failed sign-ins by account, counted until they are written down."""

from __future__ import annotations

from collections import Counter
from typing import Final
from uuid import UUID

MOST_ACCOUNTS: Final = 10_000
"""Accounts that are counted between two writings; failures of further ones are passed over. Ours: a few MB."""


class FailedSignIns:
    """Counts, of known and unknown accounts alike: whoever calls says NOBODY for an unknown one."""

    def __init__(self) -> None:
        self._counts: Counter[UUID] = Counter()

    def note(self, account_id: UUID, count: int = 1) -> None:
        """Count a failure."""
        if account_id in self._counts or len(self._counts) < MOST_ACCOUNTS:
            self._counts[account_id] += count

    def take(self) -> Counter[UUID]:
        """What was counted; from now on counting begins anew."""
        taken, self._counts = self._counts, Counter()
        return taken
