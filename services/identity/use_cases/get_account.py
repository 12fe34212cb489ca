"""GetAccount: read an account with its plan and profiles."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.identity.domain.account import Account
from services.identity.domain.profile import Profile
from services.identity.storage import accounts, profiles
from services.identity.use_cases.context import Identity


async def get_account(account_id: UUID, *, identity: Identity) -> tuple[Account, list[Profile]]:
    """The account, in whatever state, and the profiles that stand in it. Raises NOT_FOUND."""
    account = await accounts.find_account(identity.database, account_id)
    if account is None:
        raise not_found("account")
    return account, await profiles.list_profiles(identity.database, account_id)
