"""Accounts and the plans they pay for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.identity.domain.account_state import AccountState
from services.identity.domain.membership import Membership, MembershipState, effective_state

__all__ = ["DEFAULT_LANGUAGE", "Account", "AccountState", "Plan", "ProfileMove", "Quality"]

DEFAULT_LANGUAGE: Final = "en"


class Quality(StrEnum):
    """The best picture of a plan (Netflix help: 720, 1080 and 2160 lines)."""

    SD = "SD"
    HD = "HD"
    FULL_HD = "FULL_HD"
    UHD = "UHD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a subscriber pays for. One that is not ``orderable`` comes by invitation."""

    plan_id: str
    max_streams: int
    max_download_devices: int
    extra_member_slots: int
    quality: Quality
    orderable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileMove:
    """A profile on its way to an account of its own."""

    source_account_id: UUID
    profile_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A subscriber's account. ``email_taken``: made for an address that was another's, so never to be activated.

    ``state`` is its own; ``effective_state`` is what callers are told. ``members_in_use``: slots that members and
    invitations hold.
    """

    account_id: UUID
    state: AccountState
    plan: Plan
    country_code: str
    language: str
    create_time: datetime
    email_taken: bool = False
    profile_move: ProfileMove | None = None
    membership: Membership | None = None
    members_in_use: int = 0

    @property
    def effective_state(self) -> AccountState:
        """Whether it is in good order, an extra member's host included."""
        return effective_state(self.state, self.plan.plan_id, self.membership)

    @property
    def free_member_slots(self) -> int:
        """Slots that are neither held nor kept; none for an account that is not in good order."""
        if self.effective_state is not AccountState.ACTIVE:
            return 0
        return max(0, self.plan.extra_member_slots - self.members_in_use)

    @property
    def host_account_id(self) -> UUID | None:
        """The account on whose plan this one watches."""
        membership = self.membership
        if membership is None or membership.state is not MembershipState.ACTIVE:
            return None
        return membership.host_account_id
