"""An experiment, and the cell that an account falls into: pure, stable by account, without storage.

Each account has a fixed place in [0, 1), the hash of the experiment's salt and the account. ``enforce`` grows from 0
upwards and ``observe`` from 1 downwards, so that raising one share takes accounts out of ``control`` alone and moves
nobody from one treated cell to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

_PLACE_BITS: Final = 53
"""As many bits as a float holds exactly: a place never rounds up to 1."""


class Cell(StrEnum):
    """The arm of the experiment that an account is in."""

    CONTROL = "control"
    OBSERVE = "observe"
    ENFORCE = "enforce"


class AssignmentReason(StrEnum):
    """Which part of the experiment decided."""

    OFF = "off"
    COUNTRY = "country"
    PLATFORM = "platform"
    SHARE = "share"


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """What is tried, on whom, and on how many. ``None`` for countries or platforms means all of them.

    Raises ValueError where a share lies outside [0, 1] or the two together exceed 1.
    """

    key: str
    on: bool
    enforce_share: float = 0.0
    observe_share: float = 0.0
    countries: frozenset[str] | None = None
    platforms: frozenset[str] | None = None
    salt: str = ""

    def __post_init__(self) -> None:
        for share in (self.enforce_share, self.observe_share):
            if not 0 <= share <= 1:
                raise ValueError("a share lies between 0 and 1")
        if self.enforce_share + self.observe_share > 1 + 1e-9:
            raise ValueError("the shares together are at most 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """An account's cell, and what decided it."""

    cell: Cell
    reason: AssignmentReason


def assign(experiment: Experiment, account_id: UUID, country: str, platform: str) -> Assignment:
    """The account's cell. ``country`` (ISO 3166-1 alpha-2) and ``platform`` are "" where they are not known.

    What is not known is not among the targeted ones, unless all are.
    """
    if not experiment.on:
        return Assignment(cell=Cell.CONTROL, reason=AssignmentReason.OFF)
    if experiment.countries is not None and country not in experiment.countries:
        return Assignment(cell=Cell.CONTROL, reason=AssignmentReason.COUNTRY)
    if experiment.platforms is not None and platform not in experiment.platforms:
        return Assignment(cell=Cell.CONTROL, reason=AssignmentReason.PLATFORM)
    return Assignment(cell=_cell(experiment, place_of(experiment.salt, account_id)), reason=AssignmentReason.SHARE)


def place_of(salt: str, account_id: UUID) -> float:
    """The account's place in [0, 1) under a salt; the same wherever and whenever it is asked for."""
    digest = sha256(salt.encode() + account_id.bytes).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - _PLACE_BITS)) / float(1 << _PLACE_BITS)


def _cell(experiment: Experiment, place: float) -> Cell:
    if place < experiment.enforce_share:
        return Cell.ENFORCE
    if place >= 1 - experiment.observe_share:
        return Cell.OBSERVE
    return Cell.CONTROL
