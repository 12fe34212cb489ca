"""Devices: what they are, how long they stay signed in, and when they come back under another id."""

from __future__ import annotations

from random import Random
from uuid import UUID

from services.device_trust.simulation.parameters import Devices
from services.device_trust.simulation.world.addresses import draw_interface

DAY = 86_400.0

PLATFORMS: dict[str, tuple[tuple[str, float], ...]] = {
    "TV": (("TIZEN", 4), ("WEBOS", 3), ("ANDROID_TV", 3), ("FIRE_OS", 1), ("ROKU", 1), ("OTHER", 0.3)),
    "PHONE": (("ANDROID", 6), ("IOS", 4)),
    "TABLET": (("IOS", 5), ("ANDROID", 4), ("FIRE_OS", 1)),
    "COMPUTER": (("WEB", 8), ("WINDOWS", 1.4), ("MACOS", 0.6)),
    "CONSOLE": (("OTHER", 1),),
    "SET_TOP_BOX": (("ANDROID_TV", 4), ("FIRE_OS", 3), ("ROKU", 2), ("TVOS", 2)),
}
"""The platforms of each kind of device, by how common they are."""

SHARED_KINDS = frozenset({"TV", "CONSOLE", "SET_TOP_BOX"})
"""Kinds that stay in a room and are used by all who are there."""


def draw_platform(kind: str, rng: Random) -> str:
    """A platform for a device of that kind."""
    names, weights = zip(*PLATFORMS[kind], strict=True)
    return str(rng.choices(names, weights)[0])


class Device:
    """One device of an account, with the id that it has at present."""

    __slots__ = (
        "at_office",
        "busy_until",
        "device_id",
        "first_place",
        "id_checked_at",
        "interface",
        "kind",
        "platform",
        "resets_per_month",
        "signed_in_until",
        "vpn_share",
    )

    def __init__(self, *, kind: str, platform: str, device_id: str, interface: str | None) -> None:
        self.kind = kind
        self.platform = platform
        self.device_id = device_id
        self.interface = interface
        self.signed_in_until = -1.0
        self.busy_until = -1.0
        self.id_checked_at = 0.0
        self.resets_per_month = 0.0
        self.vpn_share = 0.0
        self.at_office = False
        self.first_place: str | None = None

    @property
    def is_browser(self) -> bool:
        """Whether its id is a cookie."""
        return self.platform == "WEB"


class DeviceShop:
    """Makes devices for one account, and notes whose each id is."""

    def __init__(
        self, *, account: str, devices: Devices, ipv6_share: float, actors: dict[tuple[str, str], str], rng: Random
    ) -> None:
        self._account = account
        self._devices = devices
        self._ipv6_share = ipv6_share
        self._actors = actors
        self._rng = rng

    def buy(self, kind: str, *, actor: str, platform: str | None = None) -> Device:
        """A new device of ``actor``."""
        rng = self._rng
        device = Device(
            kind=kind,
            platform=platform or draw_platform(kind, rng),
            device_id=self._draw_id(actor),
            interface=draw_interface(rng) if rng.random() < self._ipv6_share else None,
        )
        device.resets_per_month = self._resets(device)
        return device

    def renew(self, device: Device, *, actor: str) -> None:
        """The same thing under another id: cookies cleared, the app installed anew, a reset."""
        device.device_id = self._draw_id(actor)
        device.signed_in_until = -1.0
        device.first_place = None

    def resets_by(self, device: Device, time: float, rng: Random) -> bool:
        """Whether its id has been lost since it was last used."""
        months = max(0.0, time - device.id_checked_at) / (30 * DAY)
        device.id_checked_at = time
        return device.first_place is not None and rng.random() < months * device.resets_per_month

    def session_length(self, device: Device, rng: Random) -> float:
        """How long a sign-in lasts, in seconds."""
        browser = device.is_browser
        return rng.uniform(*(self._devices.browser_session_days if browser else self._devices.app_session_days)) * DAY

    def _draw_id(self, actor: str) -> str:
        device_id = str(UUID(int=self._rng.getrandbits(128), version=4))
        self._actors[self._account, device_id] = actor
        return device_id

    def _resets(self, device: Device) -> float:
        if device.is_browser:
            return self._devices.cookies_cleared_per_browser_month
        if device.kind in SHARED_KINDS:
            return self._devices.reset_per_tv_month
        return self._devices.reinstalls_per_app_month
