"""Outsiders: friends, relays, launderers and former partners, who live elsewhere and use the account."""

from __future__ import annotations

from random import Random

from services.device_trust.simulation.parameters import OutsiderFamily
from services.device_trust.simulation.world.agenda import Story
from services.device_trust.simulation.world.devices import DAY, SHARED_KINDS, Device
from services.device_trust.simulation.world.household import Household
from services.device_trust.simulation.world.places import Place, PlaceKind
from services.device_trust.simulation.world.viewing import HOUR, Actor

_HAS_TV = 0.85
_DAYBREAK = 5.0


class Outsider:
    """One person outside the household with a TV and a phone, or with a phone alone."""

    def __init__(
        self,
        *,
        actor: Actor,
        family: OutsiderFamily,
        household: Household,
        profile: str,
        first_day: int,
        timezone_offset_hours: float,
    ) -> None:
        self._actor = actor
        self._family = family
        self._household = household
        self._profile = profile
        self._first_day = first_day
        self._offset = timezone_offset_hours * HOUR
        rng = actor.rng
        self._last_day = first_day + round(rng.uniform(*family.stays_days))
        self._plays_per_day = rng.uniform(*family.plays_per_week) / 7
        self._visits_per_day = rng.uniform(*family.visits_per_month) / 30
        self._visit_days: set[int] = set()
        self._seen_refusals = 0
        actor.codes_until = first_day * DAY + rng.uniform(*family.forwards_for_days) * DAY

    def live(self) -> Story:
        """From the first day on: an evening's viewing, if there is one, and what follows from refusals."""
        actor, rng = self._actor, self._actor.rng
        yield self._time(self._first_day, _DAYBREAK)
        self._settle()
        for day in range(self._first_day, self._last_day + 1):
            yield self._time(day, _DAYBREAK)
            if actor.has_quit:
                return
            self._react()
            visits = self._visits(day)
            if visits or rng.random() < self._plays_per_day:
                time = self._time(day, self._evening())
                # A story of its own: a code that comes the next day doesn't hold up the days between.
                actor.setting.agenda.add(time, self._evening_at(time, visits=visits))

    def _time(self, day: int, hour: float) -> float:
        return max(0.0, day * DAY + hour * HOUR - self._offset)

    def _settle(self) -> None:
        """Where they live, by where the household lives when they begin."""
        household, family = self._household, self._family
        self._ground = household.ground.apart(self._actor.rng)
        time = self._time(self._first_day, _DAYBREAK)
        self._city, self._line = self._ground.line_near(family.lives, household.home_line, time)
        self._home: Place = self._line
        self._mobile = self._ground.mobile(self._city, PlaceKind.OUTSIDE)
        self._devices = self._draw_devices()

    def _evening_at(self, time: float, *, visits: bool) -> Story:
        """Watch at home, or on a visit take the phone along (and, to look like family, the TV stick)."""
        if time >= self._actor.paused_until:
            device = self._choose(visits=visits)
            yield from self._actor.watch(device, self._place(device, visits=visits), time, self._profile)

    def _choose(self, *, visits: bool) -> Device:
        rng = self._actor.rng
        sets = [device for device in self._devices if device.kind in SHARED_KINDS]
        own = [device for device in self._devices if device.kind not in SHARED_KINDS]
        launders = self._family.group == "launderer"
        if sets and (not visits or launders) and rng.random() < self._family.tv_share:
            return sets[0]
        return rng.choice(own)

    def _place(self, device: Device, *, visits: bool) -> Place:
        rng = self._actor.rng
        if visits or rng.random() < self._family.owner_wifi_share:
            return self._household.home.place
        if device.kind == "PHONE" and rng.random() < self._family.phone_mobile_share:
            return self._mobile
        return self._home

    def _visits(self, day: int) -> bool:
        """Whether they are at the owner's home that evening: launderers keep to a rhythm, friends don't."""
        rng = self._actor.rng
        if self._family.group != "launderer" or self._visits_per_day == 0:
            return rng.random() < self._visits_per_day
        if not self._visit_days:
            rhythm = round(1 / self._visits_per_day)
            self._visit_days = set(range(self._first_day + rng.randrange(rhythm), self._last_day + 1, rhythm))
        return day in self._visit_days

    def _react(self) -> None:
        """After a refusal some try another device, or the phone's hotspot or a relative's line."""
        if self._actor.refusals == self._seen_refusals:
            return
        self._seen_refusals = self._actor.refusals
        rng = self._actor.rng
        if rng.random() < self._family.tries_new_device:
            spare = rng.randrange(len(self._devices))
            self._devices[spare] = self._buy(self._devices[spare].kind)
        if rng.random() < self._family.tries_second_network:
            is_same = self._home is self._line
            self._home = self._ground.line(self._city, PlaceKind.OUTSIDE) if is_same else self._line

    def _draw_devices(self) -> list[Device]:
        rng = self._actor.rng
        kinds = ["TV" if rng.random() < 0.7 else "SET_TOP_BOX"] if rng.random() < _HAS_TV else []
        kinds.append("PHONE")
        if rng.random() < 0.35:
            kinds.append(rng.choice(("COMPUTER", "TABLET")))
        return [self._buy(kind) for kind in kinds]

    def _buy(self, kind: str) -> Device:
        return self._actor.setting.shop.buy(kind, actor=self._actor.name)

    def _evening(self) -> float:
        return min(23.8, max(17.0, self._actor.rng.gauss(20.6, 1.3)))


def draw_profile(family: OutsiderFamily, household: Household, rng: Random) -> str:
    """A profile of their own, if the account has room for one, or one of the household's."""
    known = household.profiles
    if len(known) < 5 and rng.random() < family.own_profile_share:
        return f"p{len(known) + 1}"
    return rng.choice(known)
