"""Plans, and what goes into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.download_planning.domain.devices import DownloadSettings, InventoryItem, NetworkType
from services.download_planning.domain.titles import Title
from services.download_planning.domain.viewing import Progress


class PlanReason(StrEnum):
    """Why an item is planned."""

    IN_PROGRESS = "IN_PROGRESS"
    NEXT_EPISODE = "NEXT_EPISODE"
    RECOMMENDED = "RECOMMENDED"
    POPULAR = "POPULAR"

    @property
    def is_pin(self) -> bool:
        """Whether it comes of what is being watched (Smart Downloads) rather than of taste (Downloads For You)."""
        return self in (PlanReason.IN_PROGRESS, PlanReason.NEXT_EPISODE)


class RemovalReason(StrEnum):
    """Why an item is removed."""

    WATCHED = "WATCHED"
    LICENCE_ENDED = "LICENCE_ENDED"
    REPLACED = "REPLACED"
    NOT_WANTED = "NOT_WANTED"


class ExclusionReason(StrEnum):
    """Why a title was not planned."""

    MATURITY = "MATURITY"
    LICENCE = "LICENCE"
    WATCHED = "WATCHED"
    BUDGET = "BUDGET"
    SWITCHED_OFF = "SWITCHED_OFF"
    DEVICE_LIMIT = "DEVICE_LIMIT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A title that may be worth having on the device: how likely it is watched, and why it was thought of."""

    title_id: str
    probability: float
    reason: PlanReason
    reason_text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanInput:
    """Everything that a plan depends on. Equal inputs give equal plans.

    ``pins`` come first and in their order, ``suggestions`` by worth per byte. ``settings`` are those in force.
    """

    now: datetime
    country_code: str
    maturity_age: int
    settings: DownloadSettings
    network: NetworkType
    inventory: tuple[InventoryItem, ...]
    free_bytes: int
    progress: Mapping[str, Progress]
    max_items: int
    max_candidates: int
    titles: Mapping[str, Title] = field(default_factory=dict)
    pins: tuple[Suggestion, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanItem:
    """Something that should be on a device. ``priority`` is the order of fetching, from 1."""

    title_id: str
    name: str
    rendition_id: str
    size_bytes: int
    url: str
    reason: PlanReason
    reason_text: str
    priority: int
    keep_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRemoval:
    """Something that should leave a device: at once, or when ``after_title_id`` is complete there."""

    title_id: str
    reason: RemovalReason
    after_title_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A title that was considered. ``score`` is the expected minutes per gigabyte; ``exclusion`` is None if planned."""

    title_id: str
    score: float
    exclusion: ExclusionReason | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedState:
    """What should be on a device, and what not: the outcome of planning, before it has a number."""

    items: tuple[PlanItem, ...]
    removals: tuple[PlanRemoval, ...]
    budget_bytes: int
    waits_for_wifi: bool

    @property
    def planned_bytes(self) -> int:
        """Bytes of the items together."""
        return sum(item.size_bytes for item in self.items)


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadPlan:
    """A wanted state as it is kept for a device. ``generation`` counts the device's different states from 1."""

    plan_id: UUID
    generation: int
    etag: str
    state: WantedState
    create_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A plan and what was considered for it, best first."""

    plan: DownloadPlan
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Planning:
    """A wanted state and what was considered for it, best first."""

    state: WantedState
    candidates: tuple[Candidate, ...]
