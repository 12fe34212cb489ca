"""ListStalledOwnAccounts: what was given up after too many attempts."""

from __future__ import annotations

from typing import Final

from services.gateway.domain.own_account import OwnAccount
from services.gateway.storage import own_accounts
from services.gateway.use_cases.context import Context

_MOST: Final = 200


async def list_stalled_own_accounts(context: Context) -> list[OwnAccount]:
    """The oldest first."""
    return await own_accounts.list_stalled(context.database, _MOST)
