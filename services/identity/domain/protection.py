"""How an account's password stands, and why it may have to be reset."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ResetDemandReason(StrEnum):
    """Why a password has to be reset."""

    NOT_ME = "NOT_ME"
    BY_OPERATOR = "BY_OPERATOR"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """A password as it is kept; ``version`` grows with each new one."""

    password_hash: str = field(repr=False)
    version: int
    reset_required: bool
