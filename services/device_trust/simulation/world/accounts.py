"""One account: a household, and perhaps an outsider or a thief, told as one life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeVar
from uuid import UUID

from services.device_trust.replay.records import Label
from services.device_trust.simulation.parameters import HouseholdFamily, OutsiderFamily, Parameters, ThiefFamily, Use
from services.device_trust.simulation.world.agenda import Agenda, Life
from services.device_trust.simulation.world.calendar import plan_calendar
from services.device_trust.simulation.world.daily import HouseholdLife
from services.device_trust.simulation.world.devices import DAY, DeviceShop
from services.device_trust.simulation.world.ground import Ground
from services.device_trust.simulation.world.household import Household, build_household, draw_count
from services.device_trust.simulation.world.networks import Atlas
from services.device_trust.simulation.world.outsiders import Outsider, draw_profile
from services.device_trust.simulation.world.thieves import Thief
from services.device_trust.simulation.world.viewing import Actor, Setting

_AnyFamily = TypeVar("_AnyFamily", HouseholdFamily, OutsiderFamily, ThiefFamily)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What all accounts of a world have in common, and where they note who is who."""

    parameters: Parameters
    atlas: Atlas
    use: Use
    days: int
    actors: dict[tuple[str, str], str]
    """The family of whoever uses a device, by account and device id."""
    first_places: dict[tuple[str, str], str]


class AccountWorld:
    """One account. Whether it has an outsider or a thief changes nothing in what its household plans."""

    def __init__(self, *, scene: Scene, seed: int, index: int) -> None:
        self._scene = scene
        # A word as a seed is hashed, so that neighbouring accounts have nothing in common.
        self._rng = rng = Random(f"{scene.use}:{seed}:{index}")
        self.account = str(UUID(int=rng.getrandbits(128), version=4))
        parts = [Random(rng.getrandbits(64)) for _ in range(4)]
        self._agenda = Agenda(start=scene.parameters.calendar.start, end=scene.days * DAY)
        self._ground = Ground(atlas=scene.atlas, networks=scene.parameters.networks, rng=parts[0])
        self.persona, self._household = self._build(parts[1])
        self._add_household(parts[1])
        self._add_outsiders(parts[2])
        self._add_thieves(parts[3])

    def live(self) -> Life:
        """The account's records in the order of time; send each one's answer."""
        return self._agenda.tell()

    def _build(self, rng: Random) -> tuple[str, Household]:
        name, family = _draw_family(self._scene.parameters.households, self._scene.use, rng)
        shop = self._shop(rng)
        household = build_household(name=name, family=family, ground=self._ground, shop=shop, rng=rng)
        plan_calendar(household, shop=shop, days=self._scene.days, rng=rng)
        return name, household

    def _add_household(self, rng: Random) -> None:
        actor = self._actor(self.persona, Label.HOUSEHOLD, self._household.family.manner, rng)
        life = HouseholdLife(
            actor=actor,
            household=self._household,
            days=self._scene.days,
            timezone_offset_hours=self._scene.parameters.calendar.timezone_offset_hours,
        )
        self._agenda.add(0, life.live())

    def _add_outsiders(self, rng: Random) -> None:
        mix = self._scene.parameters.mix
        if rng.random() >= mix.outsider_share:
            return
        name, family = self._draw_outsider_family(rng)
        first_day = self._draw_day(family.first_day, rng)
        profile = draw_profile(family, self._household, rng)
        for position in range(draw_count(family.people, rng)):
            outsider = Outsider(
                actor=self._actor(name, Label.OUTSIDER, family.manner, Random(rng.getrandbits(64))),
                family=family,
                household=self._household,
                profile=profile,
                first_day=first_day + position * rng.randrange(4),
                timezone_offset_hours=self._scene.parameters.calendar.timezone_offset_hours,
            )
            self._agenda.add(0, outsider.live())

    def _draw_outsider_family(self, rng: Random) -> tuple[str, OutsiderFamily]:
        mix = self._scene.parameters.mix
        draw = rng.random()
        group = "friend"
        if draw < mix.relay_share_of_outsiders:
            group = "relay"
        elif draw < mix.relay_share_of_outsiders + mix.launderer_share_of_outsiders:
            group = "launderer"
        families = self._scene.parameters.outsiders
        return _draw_family(
            {name: family for name, family in families.items() if family.group == group}, self._scene.use, rng
        )

    def _add_thieves(self, rng: Random) -> None:
        if rng.random() >= self._scene.parameters.mix.thief_share:
            return
        name, family = _draw_family(self._scene.parameters.thieves, self._scene.use, rng)
        for _ in range(draw_count(family.campaigns, rng)):
            thief = Thief(
                actor=self._actor(name, Label.THIEF, family.manner, Random(rng.getrandbits(64))),
                family=family,
                household=self._household,
                first_day=self._draw_day(family.first_day, rng),
                timezone_offset_hours=self._scene.parameters.calendar.timezone_offset_hours,
            )
            self._agenda.add(0, thief.live())

    def _draw_day(self, span: tuple[int, int], rng: Random) -> int:
        """A day of the span, and in a shorter world one that still lies in it where that is possible."""
        first, last = span
        return rng.randint(first, max(first, min(last, self._scene.days - 10)))

    def _shop(self, rng: Random) -> DeviceShop:
        parameters = self._scene.parameters
        return DeviceShop(
            account=self.account,
            devices=parameters.devices,
            ipv6_share=parameters.networks.device_ipv6_share,
            actors=self._scene.actors,
            rng=Random(rng.getrandbits(64)),
        )

    def _actor(self, name: str, label: Label, manner: str, rng: Random) -> Actor:
        parameters = self._scene.parameters
        setting = Setting(
            account=self.account,
            agenda=self._agenda,
            shop=self._shop(rng),
            streams=parameters.streams,
            networks=parameters.networks,
            first_places=self._scene.first_places,
        )
        return Actor(setting=setting, name=name, label=label, manner=parameters.manners[manner], rng=rng)


def _draw_family(families: Mapping[str, _AnyFamily], use: Use, rng: Random) -> tuple[str, _AnyFamily]:
    """One of the families for that use, by their weights."""
    names = [name for name, family in families.items() if family.use == use]
    name = rng.choices(names, [families[name].weight for name in names])[0]
    return name, families[name]
