"""Accounts and the plans they pay for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

DEFAULT_LANGUAGE: Final = "en"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a subscriber pays for."""

    plan_id: str
    max_streams: int
    max_download_devices: int
    extra_member_slots: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileMove:
    """A profile on its way to an account of its own."""

    source_account_id: UUID
    profile_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A subscriber's account. ``email_taken``: made for an address that was another's, so never to be activated."""

    account_id: UUID
    state: AccountState
    plan: Plan
    country_code: str
    language: str
    create_time: datetime
    email_taken: bool = False
    profile_move: ProfileMove | None = None
