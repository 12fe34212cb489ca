"""Thieves: a password that was phished, leaked or bought, tried a few times from wherever the thief hides."""

from __future__ import annotations

from services.device_trust.simulation.parameters import ThiefFamily
from services.device_trust.simulation.world.agenda import Story
from services.device_trust.simulation.world.devices import DAY, Device
from services.device_trust.simulation.world.household import Household
from services.device_trust.simulation.world.networks import City, Country
from services.device_trust.simulation.world.places import FixedPlace, Place, PlaceKind
from services.device_trust.simulation.world.viewing import HOUR, Actor

_KINDS = ("PHONE", "COMPUTER", "TV", "TABLET")
_KIND_WEIGHTS = (0.3, 0.45, 0.15, 0.1)


class Thief:
    """One campaign against one account."""

    def __init__(
        self, *, actor: Actor, family: ThiefFamily, household: Household, first_day: int, timezone_offset_hours: float
    ) -> None:
        self._actor = actor
        self._family = family
        self._household = household
        self._first_day = first_day
        self._offset = timezone_offset_hours * HOUR
        self._lines: list[Place] = []

    def live(self) -> Story:
        """The attempts, until they are used up or the thief gives up."""
        actor, family, rng = self._actor, self._family, self._actor.rng
        time = self._next_time(self._first_day * DAY + rng.random() * DAY)
        yield time
        # Looked up now, not before: a household may have moved since, and the thief goes by what was stolen with it.
        self._ground = self._household.ground.apart(rng)
        device, place, profile = self._draw_device(), self._draw_place(), self._draw_profile()
        for _ in range(rng.randint(*family.attempts)):
            refusals = actor.refusals
            yield from actor.watch(device, place, time, profile)
            if actor.has_quit:
                return
            time = self._next_time(max(device.busy_until, actor.paused_until, self._pause_from(time)))
            yield time
            refused = actor.refusals > refusals
            if refused and rng.random() < family.tries_new_device:
                device = self._draw_device()
            if rng.random() < (family.tries_new_network if refused else family.fresh_address_share):
                place = self._draw_place()

    def _pause_from(self, time: float) -> float:
        return time + self._actor.rng.uniform(*self._family.hours_between) * HOUR

    def _next_time(self, earliest: float) -> float:
        """The next time they would try: some keep to the victim's evenings so as not to stand out."""
        if not self._family.evenings_only:
            return earliest
        hour = (earliest + self._offset) % DAY / HOUR
        wish = self._actor.rng.uniform(18.5, 22.5)
        return earliest + ((wish - hour) % 24) * HOUR

    def _draw_device(self) -> Device:
        rng, shop = self._actor.rng, self._actor.setting.shop
        if self._family.mimics_device:
            model = rng.choice(self._household.devices)
            return shop.buy(model.kind, actor=self._actor.name, platform=model.platform)
        return shop.buy(rng.choices(_KINDS, _KIND_WEIGHTS)[0], actor=self._actor.name)

    def _draw_profile(self) -> str | None:
        """One that the account shows after signing in, or one that they add; a few never choose any."""
        rng = self._actor.rng
        if rng.random() < self._family.known_profile_share:
            return rng.choice(self._household.profiles)
        return "p0" if rng.random() < 0.7 else None

    def _draw_place(self) -> Place:
        """An address of the sort that the family uses."""
        ground, rng, lair = self._ground, self._actor.rng, self._family.lair
        if lair == "hosting":
            return ground.shared(rng.choice(ground.atlas.hosting), PlaceKind.OUTSIDE)
        if lair == "vpn_domestic":
            return self._exit(ground.country, rng.randrange(8))
        if lair == "victim_carrier":
            return ground.mobile(ground.city, PlaceKind.OUTSIDE)
        if lair == "own_home":
            return self._own_line()
        return self._proxy()

    def _own_line(self) -> Place:
        ground = self._ground
        if not self._lines:
            self._lines.append(ground.line(self._actor.rng.choice(ground.country.cities), PlaceKind.OUTSIDE))
        return self._lines[0]

    def _exit(self, country: Country, provider: int) -> FixedPlace:
        """One exit of a VPN, kept while the tunnel stands."""
        pool = country.vpn[provider % len(country.vpn)]
        return FixedPlace(address=pool.draw_address(self._actor.rng), kind=PlaceKind.OUTSIDE)

    def _proxy(self) -> FixedPlace:
        """Somebody's infected home: the victim's provider and city, or farther away."""
        ground, rng, lair = self._ground, self._actor.rng, self._family.lair
        city: City = ground.city
        provider = ground.provider if lair == "proxy_provider" else ground.other_provider()
        if lair == "foreign":
            city = rng.choice(ground.atlas.draw_abroad(ground.country, rng).cities)
            provider = city.draw_provider(rng)
        elif lair == "proxy_country":
            city = rng.choice(ground.country.cities)
            provider = city.draw_provider(rng)
        return FixedPlace(address=city.homes[provider].draw_address(rng), kind=PlaceKind.OUTSIDE)
