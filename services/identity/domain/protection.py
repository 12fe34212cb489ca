"""How an account's password stands, and why it may have to be reset."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ResetDemandReason(StrEnum):
    """Why a password has to be reset."""

    NOT_ME = "NOT_ME"
    BY_OPERATOR = "BY_OPERATOR"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """A password as it is kept; ``set_time`` tells it from the next one."""

    password_hash: str = field(repr=False)
    set_time: datetime
    reset_required: bool
