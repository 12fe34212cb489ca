"""Who is where on which day: trips, weekends away, terms, alternating homes."""

from __future__ import annotations

from random import Random

from services.device_trust.simulation.world.devices import DeviceShop
from services.device_trust.simulation.world.household import Household, Person, Stay, draw_count, draw_times
from services.device_trust.simulation.world.places import Place, PlaceKind, ranked_place

_OTHER_PARENT_WATCHES = 0.6
_FIRST_SATURDAY = 2
"""2026-01-03; where another start is set, weekends fall on other days, which changes nothing else."""


def is_weekend(day: int) -> bool:
    """Whether a local day since the world's start is a Saturday or a Sunday."""
    return (day - _FIRST_SATURDAY) % 7 < 2


def plan_calendar(household: Household, *, shop: DeviceShop, days: int, rng: Random) -> None:
    """Fill in all stays of the run. Later plans go before earlier ones on the same day."""
    _plan_students(household, days, rng)
    _plan_second_parent(household, shop, days, rng)
    _plan_weekends(household, shop, days, rng)
    _plan_trips(household, shop, days, rng)


def _plan_students(household: Household, days: int, rng: Random) -> None:
    """The oldest children live elsewhere and come home now and then."""
    family = household.family
    children = [person for person in household.people if person.is_child]
    for student in children[: draw_count(family.students, rng)]:
        student.is_child = False
        student.base = _lodging(household, rng)
        day = rng.uniform(0, family.student_home_every_days[1])
        while day < days:
            length = max(1, round(rng.uniform(*family.student_home_days)))
            _stay(student, household.home, int(day), length)
            day += length + rng.uniform(*family.student_home_every_days)
        if rng.random() < family.student_new_laptop_share:
            household.purchases.setdefault(rng.randint(15, 150), []).append((student, "COMPUTER"))


def _lodging(household: Household, rng: Random) -> Stay:
    ground, family = household.ground, household.family
    city = ground.other_city()
    place: Place
    if family.student_lodging == "dorm":
        place = ranked_place(city.dorms, PlaceKind.DORM, rng)
    elif family.student_lodging == "carrier":
        place = ground.shared(city.carrier_nat[city.draw_provider(rng)], PlaceKind.DORM)
    else:
        place = ground.line(city, PlaceKind.DORM)
    return Stay(place=place, mobile=ground.mobile(city), activity=0.9)


def _plan_second_parent(household: Household, shop: DeviceShop, days: int, rng: Random) -> None:
    """The children spend some days of every fortnight at another home with a TV of its own."""
    shared_days = draw_count(household.family.second_parent_days_per_fortnight, rng)
    if shared_days == 0:
        return
    ground = household.ground
    line = ground.line(ground.city, PlaceKind.OTHER_PARENT)
    other = Stay(place=line, mobile=household.home.mobile, fixtures=[shop.buy("TV", actor=household.name)])
    children = [person for person in household.people if person.is_child]
    offset = rng.randrange(14)
    for child in children:
        for first in range(offset - 14, days, 14):
            _stay(child, other, first, shared_days)
    if rng.random() < _OTHER_PARENT_WATCHES:
        profile = f"p{min(5, len(household.people) + 1)}"
        parent = Person(profile=profile, is_child=False, base=other)
        parent.devices.append(shop.buy("PHONE", actor=household.name))
        household.people.append(parent)


def _plan_weekends(household: Household, shop: DeviceShop, days: int, rng: Random) -> None:
    """Weekends in a second home, where one TV stays."""
    per_month = rng.uniform(*household.family.weekends_away_per_month)
    if per_month == 0:
        return
    ground = household.ground
    city = ground.other_city()
    line = ground.line(city, PlaceKind.SECOND_HOME)
    second = Stay(place=line, mobile=ground.mobile(city), fixtures=[shop.buy("TV", actor=household.name)])
    for saturday in range(_FIRST_SATURDAY, days, 7):
        if rng.random() < per_month * 7 / 30:
            length = 3 if rng.random() < 0.4 else 2
            for person in household.people:
                _stay(person, second, saturday - length + 2, length)


def _plan_trips(household: Household, shop: DeviceShop, days: int, rng: Random) -> None:
    family = household.family
    per_run = rng.uniform(*family.trips_per_year) * days / 365
    for _ in range(draw_times(per_run, rng)):
        length = round(rng.uniform(*family.trip_days))
        together = rng.random() < family.whole_family_share
        adults = [person for person in household.people if not person.is_child]
        travellers = household.people if together else [rng.choice(adults)]
        first = rng.randrange(3, max(4, days))
        stay = _lodgings_on_trip(household, shop, rng)
        for person in travellers:
            # A student or the other parent seldom joins.
            if person.base is household.home:
                _stay(person, stay, first, length)


def _lodgings_on_trip(household: Household, shop: DeviceShop, rng: Random) -> Stay:
    """A hotel or relatives' home; abroad, phones still use the home carrier, whose network the traffic leaves by."""
    ground, family = household.ground, household.family
    abroad = rng.random() < family.abroad_share
    country = ground.atlas.draw_abroad(ground.country, rng) if abroad else ground.country
    city = rng.choice(country.cities)
    with_relatives = rng.random() < family.family_lodging_share
    return Stay(
        place=ground.line(city, PlaceKind.RELATIVES) if with_relatives else ground.hotel(city),
        mobile=household.home.mobile if abroad else ground.mobile(city),
        fixtures=[shop.buy("TV", actor=household.name)] if rng.random() < family.strange_tv_share else [],
        activity=family.away_activity,
    )


def _stay(person: Person, stay: Stay, first: int, length: int) -> None:
    for day in range(first, first + length):
        person.stays[day] = stay
