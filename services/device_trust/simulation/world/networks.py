"""The atlas: countries, their cities, and the networks that serve them. Laid out alike for every account."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from services.device_trust.simulation.parameters import Networks
from services.device_trust.simulation.world.addresses import Pool, Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class City:
    """One city's networks; ``homes`` and ``carrier_nat`` have one pool for each home provider, in the same order."""

    country: str
    homes: tuple[Pool, ...]
    carrier_nat: tuple[Pool, ...]
    mobile: tuple[Pool, ...]
    offices: Pool
    hotels: Pool
    dorms: Pool
    cafes: int
    """How many cafés have an ordinary line of one of the home providers."""

    def draw_provider(self, rng: Random) -> int:
        """The index of a home provider: the first has most customers, as the old monopolies do."""
        return draw_ranked(len(self.homes), rng)


@dataclass(frozen=True, kw_only=True, slots=True)
class Country:
    """One country's cities, and what serves all of them."""

    name: str
    cities: tuple[City, ...]
    trains: Pool
    vpn: tuple[Pool, ...]
    """One pool of exits for each VPN provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Atlas:
    """All networks of the world."""

    countries: tuple[Country, ...]
    hosting: tuple[Pool, ...]

    def draw_home(self, rng: Random) -> tuple[Country, City]:
        """Where an account lives: most live in the first country."""
        country = self.countries[draw_ranked(len(self.countries), rng)]
        return country, rng.choice(country.cities)

    def draw_abroad(self, home: Country, rng: Random) -> Country:
        """Any other country."""
        return rng.choice([country for country in self.countries if country is not home])


def draw_ranked(count: int, rng: Random) -> int:
    """An index below ``count``; low ones are drawn more often."""
    return int(count * rng.random() ** 1.8)


@dataclass(frozen=True, kw_only=True, slots=True)
class _CountryNumbers:
    """The network numbers of one country: every city's pools carry the same."""

    homes: tuple[int, ...]
    mobile: tuple[int, ...]
    business: int
    campus: int


def build_atlas(networks: Networks, *, accounts: int) -> Atlas:
    """Lay the networks out for so many accounts, so that neighbours share prefixes as often in a large world."""
    registry = Registry()
    vpn_asns = [registry.hosting_asn() for _ in range(networks.vpn_providers)]
    countries = tuple(_country(name, networks, accounts, registry, vpn_asns) for name in networks.countries)
    hosting = tuple(
        registry.pool(
            asn=registry.hosting_asn(),
            country=networks.countries[-1 - index % len(networks.countries)],
            size=networks.hosting_prefixes,
        )
        for index in range(networks.hosting_providers)
    )
    return Atlas(countries=countries, hosting=hosting)


def _country(name: str, networks: Networks, accounts: int, registry: Registry, vpn_asns: list[int]) -> Country:
    numbers = _CountryNumbers(
        homes=tuple(registry.access_asn() for _ in range(networks.home_providers)),
        mobile=tuple(registry.access_asn() for _ in range(networks.mobile_carriers)),
        business=registry.access_asn(),
        campus=registry.access_asn(),
    )
    per_city = accounts / (len(networks.countries) * networks.cities_per_country)
    return Country(
        name=name,
        cities=tuple(_city(name, numbers, networks, per_city, registry) for _ in range(networks.cities_per_country)),
        trains=registry.pool(asn=numbers.mobile[0], country=name, size=networks.train_exits_per_country),
        vpn=tuple(registry.pool(asn=asn, country=name, size=networks.vpn_exits_per_country) for asn in vpn_asns),
    )


def _city(name: str, numbers: _CountryNumbers, networks: Networks, accounts: float, registry: Registry) -> City:
    def pool(asn: int, size: float) -> Pool:
        return registry.pool(asn=asn, country=name, size=max(1, round(size)))

    homes = accounts / networks.home_providers / networks.accounts_per_home_prefix
    hundreds = accounts / 100
    return City(
        country=name,
        homes=tuple(pool(asn, max(homes, networks.min_prefixes_per_pool)) for asn in numbers.homes),
        carrier_nat=tuple(pool(asn, networks.carrier_exits_per_city) for asn in numbers.homes),
        mobile=tuple(pool(asn, networks.carrier_exits_per_city) for asn in numbers.mobile),
        offices=pool(numbers.business, max(3, hundreds * networks.offices_per_100_accounts)),
        hotels=pool(numbers.business, max(3, hundreds * networks.hotels_per_100_accounts)),
        dorms=pool(numbers.campus, networks.dorms_per_city),
        cafes=max(3, round(hundreds * networks.cafes_per_100_accounts)),
    )
