"""The states of an account, apart from the account, as memberships copy them."""

from __future__ import annotations

from enum import StrEnum


class AccountState(StrEnum):
    """Whether an account is in good order."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    ON_HOLD = "ON_HOLD"
    CLOSED = "CLOSED"

    @property
    def open(self) -> bool:
        """Whether people may sign in and change things: verified once, and not closed."""
        return self in (AccountState.ACTIVE, AccountState.ON_HOLD)
