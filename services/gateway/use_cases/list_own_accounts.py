"""ListOwnAccounts: who left the account, and whether it was made by leaving another."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.gateway.domain.own_account import OwnAccount
from services.gateway.domain.records import Client
from services.gateway.storage import own_accounts
from services.gateway.use_cases.context import Context, resolve_member

_MOST: Final = 100


async def list_own_accounts(context: Context, session_token: str, client: Client) -> tuple[UUID, list[OwnAccount]]:
    """The asking account and its own accounts, the latest first. Raises DEVICE_NOT_TRUSTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    account_id = resolved.account.account_id
    left = await own_accounts.list_left(context.database, account_id, _MOST)
    made_as = await own_accounts.find_by_target(context.database, account_id)
    return account_id, [*left, *([made_as] if made_as else [])]
