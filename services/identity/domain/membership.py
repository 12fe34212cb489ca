"""Extra members: places on a host's plan, and what they make of the accounts that hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from libs.runtime.keys import new_secret
from services.identity.domain.account_state import AccountState
from services.identity.domain.contact import email_key

EXTRA_MEMBER_PLAN_ID: Final = "extra-member"
"""The plan that an account has by invitation alone: one stream, one download device (Netflix help)."""
MEMBER_PROFILES: Final = 1
"""Profiles of an extra member (Netflix help)."""
INVITATION_LIFE: Final = timedelta(days=14)
"""How long an invitation holds its slot. Ours: long enough for somebody who reads letters on Sundays."""
MAX_INVITATIONS: Final = 10
"""Invitations of an account within INVITATION_LIFE, cancelled ones included. Ours: nobody writes to strangers by us."""
PLACE_RETENTION: Final = timedelta(days=90)
"""How long a place that is over is known. Ours: as long as a decision."""
MAX_TOKENS: Final = 20
"""Tokens that one invitation may have. Ours: a request is repeated a few times, not for ever."""

_FORM: Final = re.compile(r"hgi1\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)


class PlaceState(StrEnum):
    """Where a host's place stands; REMOVED is final."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"


class MembershipState(StrEnum):
    """Where a membership stands in the member's own account; REMOVED is final for this place."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """What a member's account knows of its host, as the host's account told it last."""

    host_account_id: UUID
    member_id: UUID
    state: MembershipState
    host_state: AccountState
    host_quality: str

    @property
    def holds(self) -> bool:
        """Whether the member may watch on the host's plan."""
        return self.state is MembershipState.ACTIVE and self.host_state is AccountState.ACTIVE


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One of a host's places. ``email`` is empty once it is over; ``member_account_id`` None until it was accepted."""

    account_id: UUID
    member_id: UUID
    slot: int
    state: PlaceState
    email: str = field(repr=False)
    member_account_id: UUID | None
    invite_time: datetime
    expire_time: datetime
    accept_time: datetime | None

    def held(self, now: datetime) -> bool:
        """Whether it takes a slot: a member's, or an invitation's that has not run out."""
        if self.state is PlaceState.INVITED:
            return now < self.expire_time
        return self.state is PlaceState.ACTIVE

    def is_for(self, email: str) -> bool:
        """Whether this address, in normal form, is the invited one."""
        return bool(self.email) and email_key(self.email) == email_key(email)

    def may_be_taken(self, now: datetime, member_account_id: UUID | None) -> bool:
        """Whether an account may take it now, or took it before, which repeats harmlessly; None: one yet to be made."""
        if self.state is PlaceState.INVITED:
            return self.held(now)
        return self.state is PlaceState.ACTIVE and self.member_account_id == member_account_id


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationToken:
    """A token of the form ``hgi1.<host's account id in hex>.<secret>``; it names the account, so it is found by it."""

    account_id: UUID
    secret: str = field(repr=False)

    def encode(self) -> str:
        """The text that stands in the mail. Never log it."""
        return f"hgi1.{self.account_id.hex}.{self.secret}"

    def digest(self) -> bytes:
        """SHA-256 of the secret (32 bytes): what the database keeps."""
        return sha256(self.secret.encode()).digest()


def new_invitation_token(account_id: UUID) -> InvitationToken:
    """A token with a fresh random secret of 32 bytes."""
    return InvitationToken(account_id=account_id, secret=new_secret())


def parse_invitation_token(text: str) -> InvitationToken | None:
    """The token that a text holds, or None where it has not the form of one."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    return InvitationToken(account_id=UUID(hex=match[1]), secret=match[2])


def first_free_slot(held: set[int], slots: int) -> int | None:
    """The lowest slot of the plan that nobody holds; None where all are held, also above a plan that has shrunk."""
    if len(held) >= slots:
        return None
    return next((slot for slot in range(1, slots + 1) if slot not in held), None)


def effective_state(state: AccountState, plan_id: str, membership: Membership | None) -> AccountState:
    """Whether the account is in good order, its host's order included.

    An active account on the members' plan stands on its membership: without one that holds, it is ON_HOLD.
    """
    if state is not AccountState.ACTIVE or plan_id != EXTRA_MEMBER_PLAN_ID:
        return state
    return AccountState.ACTIVE if membership is not None and membership.holds else AccountState.ON_HOLD


def max_profiles(plan_id: str, of_an_account: int) -> int:
    """Profiles that an account on this plan may have."""
    return MEMBER_PROFILES if plan_id == EXTRA_MEMBER_PLAN_ID else of_an_account
