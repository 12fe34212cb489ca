"""Extra members, as identity tells the gateway of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class MemberState(StrEnum):
    """Where a membership stands."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """An extra member or an invitation. ``account_id`` is the member's own, which the host is not told."""

    member_id: UUID
    state: MemberState
    masked_email: str = field(repr=False)
    account_id: UUID | None
    invite_time: datetime
    expire_time: datetime
    accept_time: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Invited:
    """An invitation with a token that opens it; empty once there is nothing to open."""

    member: Member
    token: str = field(repr=False)
    email: str = field(repr=False)
