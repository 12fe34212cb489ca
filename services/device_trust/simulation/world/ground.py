"""Where one account lives, and the places around: lines, carriers, hotels, offices."""

from __future__ import annotations

from copy import copy
from random import Random

from services.device_trust.simulation.parameters import Nearness, Networks
from services.device_trust.simulation.world.addresses import Pool
from services.device_trust.simulation.world.networks import Atlas, City, Country, draw_ranked
from services.device_trust.simulation.world.places import (
    FixedPlace,
    HomeLine,
    PlaceKind,
    SharedNetwork,
    ranked_place,
    vpn_tunnel,
)


class Ground:
    """The account's country, city, home provider and carrier, as they are at present."""

    def __init__(self, *, atlas: Atlas, networks: Networks, rng: Random) -> None:
        self.atlas = atlas
        self.networks = networks
        self.rng = rng
        self.country, self.city = atlas.draw_home(rng)
        self.provider = self.city.draw_provider(rng)
        self.carrier = draw_ranked(len(self.city.mobile), rng)

    def line(self, city: City, kind: PlaceKind, *, provider: int | None = None, prefix: int | None = None) -> HomeLine:
        """A new line in ``city``, of any provider unless one is given."""
        index = city.draw_provider(self.rng) if provider is None else provider
        return HomeLine(
            pool=city.homes[index],
            nat=city.carrier_nat[index],
            networks=self.networks,
            seed=self.rng.getrandbits(64),
            kind=kind,
            prefix=prefix,
        )

    def own_line(self) -> HomeLine:
        """A line for the household's home."""
        return self.line(self.city, PlaceKind.HOME, provider=self.provider)

    def shared(self, pool: Pool, kind: PlaceKind, *, ipv6_share: float = 0.0) -> SharedNetwork:
        """A network with another exit at every use."""
        return SharedNetwork(pool=pool, rng=Random(self.rng.getrandbits(64)), kind=kind, ipv6_share=ipv6_share)

    def mobile(self, city: City, kind: PlaceKind = PlaceKind.MOBILE) -> SharedNetwork:
        """The household's carrier in ``city``."""
        return self.shared(city.mobile[self.carrier], kind, ipv6_share=self.networks.carrier_ipv6_share)

    def hotel(self, city: City) -> FixedPlace:
        """A hotel's or a holiday flat's Wi-Fi."""
        return ranked_place(city.hotels, PlaceKind.HOTEL, self.rng)

    def office(self) -> FixedPlace:
        """An office in the home city."""
        return ranked_place(self.city.offices, PlaceKind.OFFICE, self.rng)

    def tunnel(self, country: Country) -> SharedNetwork:
        """A VPN's exits in ``country``."""
        return vpn_tunnel(country, self.rng.randrange(8), Random(self.rng.getrandbits(64)))

    def other_city(self) -> City:
        """Another city of the country."""
        return self.rng.choice([city for city in self.country.cities if city is not self.city])

    def other_provider(self) -> int:
        """Another home provider."""
        return self.rng.choice([index for index in range(len(self.city.homes)) if index != self.provider])

    def move(self) -> HomeLine:
        """Move to another city; the line there."""
        self.city = self.other_city()
        self.provider = self.city.draw_provider(self.rng)
        return self.own_line()

    def change_provider(self) -> HomeLine:
        """Take another provider at the same address; the line it lays."""
        self.provider = self.other_provider()
        return self.own_line()

    def apart(self, rng: Random) -> Ground:
        """The same ground as it is now, for somebody else: what they draw doesn't change what the household draws."""
        ground = copy(self)
        ground.rng = rng
        return ground

    def line_near(self, lives: Nearness, home: HomeLine, time: float) -> tuple[City, HomeLine]:
        """A line of somebody who lives so far from ``home`` at ``time`` (s), and the city it is in."""
        kind = PlaceKind.OUTSIDE
        if lives == "other_country":
            city = self.rng.choice(self.atlas.draw_abroad(self.country, self.rng).cities)
            return city, self.line(city, kind)
        if lives == "other_city":
            city = self.other_city()
            return city, self.line(city, kind)
        if lives == "same_city":
            return self.city, self.line(self.city, kind, provider=self.other_provider())
        prefix = home.prefix_at(time) if lives == "next_door" else None
        return self.city, self.line(self.city, kind, provider=self.provider, prefix=prefix)
