"""Devices as planning sees them: platform, what was chosen for them, what is on them, whether they are trusted."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.rollout.experiment import Cell, Experiment, assign


class Platform(StrEnum):
    """The operating system or runtime of an installation; the names of ``hearthgate.common.v1.Platform``."""

    ANDROID = "ANDROID"
    IOS = "IOS"
    WEB = "WEB"
    ANDROID_TV = "ANDROID_TV"
    TVOS = "TVOS"
    TIZEN = "TIZEN"
    WEBOS = "WEBOS"
    ROKU = "ROKU"
    FIRE_OS = "FIRE_OS"
    WINDOWS = "WINDOWS"
    MACOS = "MACOS"
    OTHER = "OTHER"


class Standing(StrEnum):
    """What a device is to an account; the names of ``hearthgate.common.v1.Standing``."""

    HOUSEHOLD = "HOUSEHOLD"
    TRAVELLING = "TRAVELLING"
    GUEST = "GUEST"
    UNCONFIRMED = "UNCONFIRMED"
    OUTSIDE = "OUTSIDE"
    SUSPECT = "SUSPECT"
    REVOKED = "REVOKED"


TRUSTED: Final = frozenset({Standing.HOUSEHOLD, Standing.TRAVELLING})
"""The standings that get plans. A guest lease buys streams, never downloads."""


class NetworkType(StrEnum):
    """The network a device is on."""

    WIFI = "WIFI"
    MOBILE = "MOBILE"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceKey:
    """A profile on a device: what settings and plans belong to."""

    account_id: UUID
    profile_id: UUID
    device_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadSettings:
    """What a viewer chose for a device; both features are off until chosen."""

    downloads_for_you: bool = False
    smart_downloads: bool = False
    budget_bytes: int = 0
    allow_mobile_data: bool = False

    @property
    def is_on(self) -> bool:
        """Whether anything is planned at all."""
        return self.downloads_for_you or self.smart_downloads

    def waits_for_wifi(self, network: NetworkType) -> bool:
        """Whether fetching has to wait on this network."""
        return network is not NetworkType.WIFI and not self.allow_mobile_data


@dataclass(frozen=True, kw_only=True, slots=True)
class InventoryItem:
    """Something that is on a device."""

    title_id: str
    rendition_id: str
    downloaded_bytes: int
    complete: bool = False
    by_hand: bool = False
    playing: bool = False

    @property
    def is_protected(self) -> bool:
        """Whether no plan may remove it."""
        return self.by_hand or self.playing


def inventory_problem(inventory: tuple[InventoryItem, ...]) -> tuple[str, str] | None:
    """The first field at which an inventory contradicts itself, and how; None for a sound one."""
    seen: set[str] = set()
    for index, item in enumerate(inventory):
        if item.title_id in seen:
            return f"inventory[{index}].title_id", "appears twice in the inventory"
        if item.complete and item.downloaded_bytes == 0:
            return f"inventory[{index}].downloaded_bytes", "must be more than 0 where complete is set"
        seen.add(item.title_id)
    return None


def settings_in_force(
    chosen: DownloadSettings, experiment: Experiment, account_id: UUID, platform: str, country: str | None
) -> DownloadSettings:
    """What was chosen, without Downloads For You where it is not rolled out to this account and platform.

    Smart Downloads are no part of the rollout. ``country`` is None where it is not known yet; it then excludes nobody.
    """
    if country is None:
        experiment = dataclasses.replace(experiment, countries=None)
    cell = assign(experiment, account_id, country or "", platform).cell
    if cell is Cell.ENFORCE:
        return chosen
    return dataclasses.replace(chosen, downloads_for_you=False)
