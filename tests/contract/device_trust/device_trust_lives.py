"""Lives of accounts for the pure domain: who was where on which day, and the histories that come of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from services.device_trust.domain.assessment import Assessment, assess
from services.device_trust.domain.evidence import Evidence
from services.device_trust.domain.facts import Facts, Household, look
from services.device_trust.domain.history import History, day_of
from services.device_trust.domain.learning import found_home
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import (
    ALONE,
    AllowanceUse,
    Client,
    Crowd,
    Device,
    NetworkHash,
    Residence,
    Sighting,
    Standing,
)
from services.device_trust.domain.scoring import Scorer
from services.device_trust.domain.sightings import fold
from tests.contract.device_trust.device_trust_world import PINNED, PLAIN

START: Final = datetime(2030, 1, 1, 18, tzinfo=UTC)
DAY: Final = timedelta(days=1)
FOUNDER: Final = "founder"
CLOSENESS: Final = [
    Standing.REVOKED,
    Standing.SUSPECT,
    Standing.OUTSIDE,
    Standing.UNCONFIRMED,
    Standing.GUEST,
    Standing.TRAVELLING,
    Standing.HOUSEHOLD,
]
"""From the least of the household to the most."""


def network(name: str) -> NetworkHash:
    """The network of a name."""
    return NetworkHash(name.encode().ljust(16, b".")[:16])


def seen(
    device_id: str,
    place: str = "home",
    *,
    kind: str = "TV",
    country: str | None = "DE",
    asn: int | None = None,
    v6: bool = False,
    profile: int = 0,
    key: bytes = b"",
) -> Client:
    """A device at a place. Each place has a provider of its own unless one is named."""
    provider = asn if asn is not None else 64500 + sum(place.encode()) % 499
    return Client(
        device_id=device_id,
        kind=kind,
        name="",
        platform="TIZEN" if kind == "TV" else "IOS",
        network=network(place),
        wide=place.encode()[:8],
        country=country,
        asn=provider,
        v6=v6,
        profile=profile,
        key=key,
    )


@dataclass(kw_only=True)
class Life:
    """An account over its days, in memory: what the service keeps of it, changed as the service would."""

    policy: Policy = PINNED
    scorer: Scorer = PLAIN
    history: History = field(default_factory=lambda: History(first_day=day_of(START)))
    devices: dict[str, Device] = field(default_factory=dict)
    residences: tuple[Residence, ...] = ()
    uses: list[tuple[str, AllowanceUse]] = field(default_factory=list)
    crowds: dict[str, int] = field(default_factory=dict)
    _numbers: int = 0

    def founded(self, at: datetime = START, place: str = "home") -> Life:
        """The account was made at a place."""
        client = seen(FOUNDER, place)
        found_home(self.history, client, at, self.policy, founder=True)
        self.residences = (
            Residence(
                residence_id=self._id(),
                network=client.network,
                country=client.country,
                declared=False,
                name="",
                last_seen_time=at,
            ),
        )
        return self

    def see(self, client: Client, at: datetime, *, start: bool = False) -> None:
        """A sighting came in."""
        sighting = Sighting(sighting_id=self._id(), account_id=UUID(int=1), event_time=at, client=client, start=start)
        before = self.devices.get(client.device_id)
        crowds: dict[bytes, int] = {network(place): count for place, count in self.crowds.items()}
        known = [before] if before is not None else []
        after = fold(self.history, [sighting], known, self.residences, self.policy, crowds, self._id)
        (self.devices[client.device_id],) = after.devices
        self.residences = after.residences

    def stay(self, client: Client, days: Iterable[int], hour: int = 0) -> None:
        """Seen on each of these days since the start, so many hours later in the day."""
        for day in days:
            self.see(client, START + day * DAY + timedelta(hours=hour))

    def facts(self, client: Client, at: datetime, crowd: Crowd = ALONE) -> Facts:
        """What is known about a device that is seen now."""
        device = self.devices.get(client.device_id)
        uses = tuple(use for name, use in self.uses if not self._came_home(name, use))
        household = Household(history=self.history, residences=self.residences, uses=uses)
        return look(household, device, client, at, self.policy, self.scorer, crowd)

    def evidence(self, client: Client, day: int) -> Evidence:
        """What the history says about a device on a day."""
        return self.facts(client, START + day * DAY).evidence

    def assess(self, client: Client, day: int) -> Assessment:
        """What a device is on a day."""
        return assess(self.facts(client, START + day * DAY), self.policy)

    def standing(self, client: Client, day: int) -> Standing:
        """Its standing."""
        return self.assess(client, day).verdict.standing

    def homes(self) -> set[NetworkHash]:
        """The networks of the residences."""
        return {each.network for each in self.residences}

    def _came_home(self, device_id: str, use: AllowanceUse) -> bool:
        device = self.devices.get(device_id)
        home = device.last_home_time if device is not None else None
        return home is not None and home > use.used_time

    def _id(self) -> UUID:
        self._numbers += 1
        return UUID(int=self._numbers)
