"""Contacts and approvers that wait for the code that was sent to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ChangeKind(StrEnum):
    """What is added or changed."""

    CONTACT = "CONTACT"
    APPROVER = "APPROVER"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactChange:
    """A change that waits for its code. ``challenge_id`` is random where the address is taken and no code was sent."""

    account_id: UUID
    change_id: UUID
    kind: ChangeKind
    contact_id: UUID
    challenge_id: UUID
    device_id: str
    expire_time: datetime
