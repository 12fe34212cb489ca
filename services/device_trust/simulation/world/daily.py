"""A household's days: who watches what, where, at what hour."""

from __future__ import annotations

from math import exp
from random import Random

from services.device_trust.simulation.world.agenda import Story
from services.device_trust.simulation.world.calendar import is_weekend
from services.device_trust.simulation.world.devices import DAY, SHARED_KINDS, Device, draw_platform
from services.device_trust.simulation.world.household import Household, Person, Stay
from services.device_trust.simulation.world.places import Place, PlaceKind
from services.device_trust.simulation.world.viewing import HOUR, Actor

_DAYBREAK = 4.0
_FIRST_USE_DAYS = 3
_OWN_DEVICE_WEIGHTS = {"PHONE": 0.4, "TABLET": 0.4, "COMPUTER": 0.3}
_COMPUTER_ON_TRIPS = 0.3
_OWN_PROFILE = 0.93
_OLD_SET_GOES = 0.5


class HouseholdLife:
    """Plans each day at four in the morning, local time."""

    def __init__(self, *, actor: Actor, household: Household, days: int, timezone_offset_hours: float) -> None:
        self._actor = actor
        self._household = household
        self._days = days
        self._offset = timezone_offset_hours * HOUR
        rng = actor.rng
        family = household.family
        self._buys_per_day = rng.uniform(*family.new_devices_per_year) / 365
        self._move_day = rng.randint(*family.move_on_day) if family.move_on_day else -1
        self._provider_day = rng.randint(*family.new_provider_on_day) if family.new_provider_on_day else -1

    def live(self) -> Story:
        """Plan day by day, until the world ends."""
        self._use_everything_once()
        for day in range(self._days + 1):
            yield max(0.0, self._time(day, _DAYBREAK))
            self._change_line(day)
            self._buy(day)
            self._plan(day)

    def _time(self, day: int, hour: float) -> float:
        """A local hour of a local day, in seconds since the world's start."""
        return day * DAY + hour * HOUR - self._offset

    def _use_everything_once(self) -> None:
        """The world begins in the middle of a life: in the first days each device that exists is seen."""
        rng = self._actor.rng
        seen: set[int] = set()
        for person in self._household.people:
            for device in [*person.base.fixtures, *person.devices]:
                if id(device) not in seen:
                    seen.add(id(device))
                    time = self._time(rng.randrange(_FIRST_USE_DAYS), rng.uniform(8, 23))
                    self._watch(device, person.base.place, time, person)

    def _change_line(self, day: int) -> None:
        household = self._household
        ground = household.ground
        if day == self._move_day:
            household.home_line = household.home.place = ground.move()
            household.home.mobile = ground.mobile(ground.city)
            household.office = ground.office()
        elif day == self._provider_day:
            household.home_line = household.home.place = ground.change_provider()

    def _buy(self, day: int) -> None:
        rng = self._actor.rng
        for person, kind in self._household.purchases.get(day, ()):
            self._set_up(day, person, kind)
        if rng.random() < self._buys_per_day:
            is_phone = rng.random() < self._household.family.new_phone_share
            kind = "PHONE" if is_phone else rng.choices(("TV", "TABLET", "COMPUTER"), (0.45, 0.25, 0.3))[0]
            self._set_up(day, rng.choice(self._household.people), kind)

    def _set_up(self, day: int, person: Person, kind: str) -> None:
        """A new device takes the place of an old one, which falls silent, and is tried out the same day."""
        rng = self._actor.rng
        stay = self._household.home if kind in SHARED_KINDS else person.stay_on(day)
        shelf = stay.fixtures if kind in SHARED_KINDS else person.devices
        old = [device for device in shelf if device.kind == kind]
        # People mostly stay with the system they know.
        platform = old[0].platform if old and rng.random() < 0.7 else draw_platform(kind, rng)
        new = self._actor.setting.shop.buy(kind, actor=self._actor.name, platform=platform)
        new.id_checked_at = self._time(day, 0)
        if old and (kind not in SHARED_KINDS or rng.random() < _OLD_SET_GOES):
            new.vpn_share, new.at_office = old[0].vpn_share, old[0].at_office
            shelf.remove(old[0])
        shelf.append(new)
        away = kind not in SHARED_KINDS and rng.random() < self._household.family.set_up_away_share
        self._watch(new, stay.mobile if away else stay.place, self._time(day, rng.uniform(11, 22)), person)

    def _plan(self, day: int) -> None:
        rng = self._actor.rng
        household = self._household
        weekend = is_weekend(day)
        for _ in range(_poisson(household.starts_per_day * (1.25 if weekend else 0.9), rng)):
            person = rng.choice(household.people)
            stay = person.stay_on(day)
            if rng.random() < stay.activity:
                self._choose(day, person, stay, is_workday=not weekend)

    def _choose(self, day: int, person: Person, stay: Stay, *, is_workday: bool) -> None:
        """One viewing: on a set that stands there or on a device of their own."""
        rng = self._actor.rng
        device = self._pick(person, stay)
        if device is None:
            return
        at_work = is_workday and stay is self._household.home and device.at_office and rng.random() < 0.5
        place = self._household.office if at_work else self._place(device, stay)
        hour = _draw_hour(place.kind, is_child=person.is_child, rng=rng)
        self._watch(device, place, self._time(day, hour), person)

    def _pick(self, person: Person, stay: Stay) -> Device | None:
        rng = self._actor.rng
        if stay.fixtures and (not person.devices or rng.random() < self._household.family.tv_share):
            return stay.fixtures[int(len(stay.fixtures) * rng.random() ** 1.6)]
        weights = [_OWN_DEVICE_WEIGHTS[device.kind] for device in person.devices]
        if stay is not person.base and stay is not self._household.home:
            weights = [
                weight * (_COMPUTER_ON_TRIPS if device.kind == "COMPUTER" else 1)
                for weight, device in zip(weights, person.devices, strict=True)
            ]
        return rng.choices(person.devices, weights)[0] if weights else None

    def _place(self, device: Device, stay: Stay) -> Place:
        """The network that the device is on: a set is always on the one where it stands."""
        if device.kind in SHARED_KINDS:
            return stay.place
        household, family, rng = self._household, self._household.family, self._actor.rng
        if device.vpn_share and rng.random() < device.vpn_share:
            return household.vpn_abroad if rng.random() < family.vpn_abroad_share else household.vpn_home
        return self._place_without_vpn(device, stay)

    def _place_without_vpn(self, device: Device, stay: Stay) -> Place:
        household, family, draw = self._household, self._household.family, self._actor.rng.random()
        # A tablet or a computer is seldom on a mobile network, and then by a phone's hotspot.
        mobile = family.mobile_share * {"PHONE": 1.0, "TABLET": 0.3, "COMPUTER": 0.08}[device.kind]
        if draw < mobile:
            return stay.mobile
        if stay is not household.home:
            return stay.place
        for share, place in (
            (family.train_share, household.train),
            (family.cafe_share, household.cafe),
            (family.relatives_share, household.relatives),
        ):
            mobile += share
            if draw < mobile:
                return place
        return stay.place

    def _watch(self, device: Device, place: Place, time: float, person: Person) -> None:
        rng = self._actor.rng
        own = rng.random() < _OWN_PROFILE
        profile = person.profile if own else rng.choice(self._household.people).profile
        time = max(1.0, time)
        self._actor.setting.agenda.add(time, self._actor.watch(device, place, time, profile))


def _poisson(mean: float, rng: Random) -> int:
    """A count with that mean (Knuth's method: the mean is small)."""
    limit, count, product = exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def _draw_hour(kind: PlaceKind, *, is_child: bool, rng: Random) -> float:
    """A local hour at which people watch in such a place, from 4.5 to 26.5."""
    if kind is PlaceKind.MOBILE or kind is PlaceKind.TRAIN:
        centre, spread = (7.8, 0.8) if rng.random() < 0.45 else (17.6, 1.5)
    elif kind is PlaceKind.OFFICE or kind is PlaceKind.CAFE:
        centre, spread = 12.8, 1.5
    elif rng.random() < 0.25:
        return rng.uniform(8, 23)
    else:
        centre, spread = (17.0, 1.7) if is_child else (20.4, 1.6)
    return min(26.5, max(4.5, rng.gauss(centre, spread)))
