"""A household: its people, their devices, and the places where they stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from services.device_trust.simulation.parameters import HouseholdFamily
from services.device_trust.simulation.world.devices import DAY, Device, DeviceShop
from services.device_trust.simulation.world.ground import Ground
from services.device_trust.simulation.world.places import (
    FixedPlace,
    HomeLine,
    Place,
    PlaceKind,
    SharedNetwork,
    cafe,
)

_CONSOLE_SHARE = 0.45
_TABLET_FOR_CHILD = 0.8


@dataclass(kw_only=True, slots=True)
class Stay:
    """A place where people live for a time: its Wi-Fi, the mobile network around, and the sets that stand there."""

    place: Place
    mobile: Place
    fixtures: list[Device] = field(default_factory=list)
    activity: float = 1.0
    """How much is watched there, as a share of an ordinary day."""


@dataclass(kw_only=True, slots=True)
class Person:
    """Somebody of the household, with their own devices and profile."""

    profile: str
    is_child: bool
    base: Stay
    """Where they are on days for which ``stays`` says nothing."""
    devices: list[Device] = field(default_factory=list)
    stays: dict[int, Stay] = field(default_factory=dict)
    """Other places, by local day since the world's start."""

    def stay_on(self, day: int) -> Stay:
        """Where they are that day."""
        return self.stays.get(day, self.base)


@dataclass(kw_only=True, slots=True)
class Household:
    """One account's people and their home."""

    name: str
    family: HouseholdFamily
    ground: Ground
    home: Stay
    home_line: HomeLine
    people: list[Person]
    starts_per_day: float
    office: FixedPlace
    cafe: FixedPlace
    relatives: HomeLine
    train: SharedNetwork
    vpn_home: SharedNetwork
    vpn_abroad: SharedNetwork
    purchases: dict[int, list[tuple[Person, str]]] = field(default_factory=dict)
    """Things bought on a day, by kind, that were sure to be bought."""

    @property
    def profiles(self) -> list[str]:
        """The profiles that the account has, each once."""
        return list(dict.fromkeys(person.profile for person in self.people))

    @property
    def devices(self) -> list[Device]:
        """All sets and devices in use that are known at present."""
        stays = {id(stay): stay for person in self.people for stay in (person.base, self.home)}
        sets = [device for stay in stays.values() for device in stay.fixtures]
        return sets + [device for person in self.people for device in person.devices]


def draw_count(span: tuple[int, int], rng: Random) -> int:
    """A whole number of the span, ends included."""
    return rng.randint(span[0], span[1])


def draw_times(per_period: float, rng: Random) -> int:
    """How often something happens that happens ``per_period`` times on average."""
    whole = int(per_period)
    return whole + (rng.random() < per_period - whole)


def build_household(*, name: str, family: HouseholdFamily, ground: Ground, shop: DeviceShop, rng: Random) -> Household:
    """Draw a household of that family: it has had the account for long."""
    line = ground.own_line()
    home = Stay(place=line, mobile=ground.mobile(ground.city))
    household = Household(
        name=name,
        family=family,
        ground=ground,
        home=home,
        home_line=line,
        people=_draw_people(family, home, rng),
        starts_per_day=rng.uniform(*family.starts_per_day),
        office=ground.office(),
        cafe=cafe(ground.city, rng),
        relatives=ground.line(rng.choice(ground.country.cities), PlaceKind.RELATIVES),
        train=ground.shared(ground.country.trains, PlaceKind.TRAIN),
        vpn_home=ground.tunnel(ground.country),
        vpn_abroad=ground.tunnel(ground.atlas.draw_abroad(ground.country, rng)),
    )
    _equip(household, shop, rng)
    _spread_ids(household, rng)
    return household


def _draw_people(family: HouseholdFamily, home: Stay, rng: Random) -> list[Person]:
    """Adults first. More than five share profiles, as no account has more."""
    adults = draw_count(family.adults, rng)
    count = adults + draw_count(family.children, rng)
    return [Person(profile=f"p{index % 5 + 1}", is_child=index >= adults, base=home) for index in range(count)]


def _equip(household: Household, shop: DeviceShop, rng: Random) -> None:
    family, people = household.family, household.people
    for _ in range(draw_count(family.tvs, rng)):
        household.home.fixtures.append(shop.buy("TV", actor=household.name))
    for _ in range(draw_count(family.boxes, rng)):
        kind = "CONSOLE" if rng.random() < _CONSOLE_SHARE else "SET_TOP_BOX"
        household.home.fixtures.append(shop.buy(kind, actor=household.name))
    for person in people:
        person.devices.append(shop.buy("PHONE", actor=household.name))
    for _ in range(draw_count(family.tablets, rng)):
        children = [person for person in people if person.is_child]
        owner = rng.choice(children if children and rng.random() < _TABLET_FOR_CHILD else people)
        owner.devices.append(shop.buy("TABLET", actor=household.name))
    adults = [person for person in people if not person.is_child]
    for index in range(draw_count(family.computers, rng)):
        computer = shop.buy("COMPUTER", actor=household.name)
        computer.at_office = rng.random() < family.work_computer_share
        adults[index % len(adults)].devices.append(computer)
    _set_up_vpn(household, rng)


def _set_up_vpn(household: Household, rng: Random) -> None:
    """A VPN runs on computers first, then on phones."""
    family = household.family
    own = [device for person in household.people for device in person.devices]
    own.sort(key=lambda device: ("COMPUTER", "PHONE", "TABLET").index(device.kind))
    for device in own[: draw_count(family.vpn_devices, rng)]:
        device.vpn_share = rng.uniform(*family.vpn_share)


def _spread_ids(household: Household, rng: Random) -> None:
    """What each device did before the world began: their ids aren't all lost in the same week."""
    for device in household.devices:
        device.id_checked_at = rng.uniform(-5, 0) * DAY
