"""The simulated world's numbers: read from TOML, checked, and named in full wherever one is wrong."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

DEFAULT_PATH = Path(__file__).with_name("parameters.toml")

Use = Literal["development", "report"]
Archetype = Literal[
    "single_flat",
    "family",
    "commuters",
    "students",
    "second_home",
    "separated_parents",
    "movers",
    "new_provider",
    "vpn_users",
    "travellers",
    "device_buyers",
    "long_stay_abroad",
]
Nearness = Literal["other_country", "other_city", "same_city", "same_provider", "next_door"]
Lair = Literal[
    "hosting", "foreign", "vpn_domestic", "proxy_country", "proxy_city", "proxy_provider", "victim_carrier", "own_home"
]


class ParametersError(ValueError):
    """The parameters can't be used; the message names each field that is wrong."""


def _is_ordered(span: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= span[0] <= span[1]:
        raise ValueError(f"a span runs from the lower to the higher figure, both at least 0, not {list(span)}")
    return span


Share = Annotated[float, Field(ge=0, le=1)]
Span = Annotated[tuple[float, float], AfterValidator(_is_ordered)]
Counts = Annotated[tuple[int, int], AfterValidator(_is_ordered)]


class _Table(BaseModel):
    """A table of the file: frozen, and without room for a key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Calendar(_Table):
    """When the world begins, and how far its clocks stand from UTC."""

    start: datetime
    timezone_offset_hours: float = Field(ge=-12, le=14)

    @field_validator("start")
    @classmethod
    def _is_utc(cls, value: datetime) -> datetime:
        if value.utcoffset() is None:
            raise ValueError("the time needs a zone, as in 2026-01-01T00:00:00Z")
        return value.astimezone(UTC)


class Mix(_Table):
    """Which shares of the accounts have an outsider or a thief."""

    outsider_share: Share
    relay_share_of_outsiders: Share
    launderer_share_of_outsiders: Share
    thief_share: Share

    @model_validator(mode="after")
    def _fits(self) -> Mix:
        if self.relay_share_of_outsiders + self.launderer_share_of_outsiders > 1:
            raise ValueError("relay_share_of_outsiders and launderer_share_of_outsiders add up to more than 1")
        return self


class AddressLife(_Table):
    """How long a home keeps its address: a share of the homes, and the mean in days."""

    share: Share
    mean_days: float = Field(gt=0)


class Networks(_Table):
    """The networks of all countries. Prefixes are /24s in IPv4 and /56 delegations in IPv6."""

    countries: tuple[str, ...] = Field(min_length=3)
    cities_per_country: int = Field(ge=2)
    home_providers: int = Field(ge=2)
    mobile_carriers: int = Field(ge=1)
    accounts_per_home_prefix: float = Field(gt=0)
    min_prefixes_per_pool: int = Field(ge=1)
    carrier_exits_per_city: int = Field(ge=1)
    carrier_ipv6_share: Share
    home_ipv6_share: Share
    home_behind_carrier_nat_share: Share
    device_ipv6_share: Share
    keeps_prefix_share: Share
    address_lives: dict[str, AddressLife]
    offices_per_100_accounts: float = Field(gt=0)
    cafes_per_100_accounts: float = Field(gt=0)
    hotels_per_100_accounts: float = Field(gt=0)
    dorms_per_city: int = Field(ge=1)
    train_exits_per_country: int = Field(ge=1)
    vpn_providers: int = Field(ge=1, le=8)
    vpn_exits_per_country: int = Field(ge=1)
    hosting_providers: int = Field(ge=1, le=8)
    hosting_prefixes: int = Field(ge=1)
    missing_asn_share: Share
    missing_country_share: Share

    @field_validator("address_lives")
    @classmethod
    def _is_whole(cls, value: dict[str, AddressLife]) -> dict[str, AddressLife]:
        if abs(sum(life.share for life in value.values()) - 1) > 1e-6:
            raise ValueError("the shares of all homes add up to 1")
        return value


class Streams(_Table):
    """How long people watch, in minutes, and how often a player reports."""

    minutes: Span
    heartbeat_minutes: float = Field(ge=20)


class Devices(_Table):
    """How long sign-ins last, in days, and how often a device comes back under another id."""

    browser_session_days: Span
    app_session_days: Span
    cookies_cleared_per_browser_month: float = Field(ge=0)
    reinstalls_per_app_month: float = Field(ge=0)
    reset_per_tv_month: float = Field(ge=0)


class Manner(_Table):
    """What somebody does when a stream doesn't start.

    ``code_now`` and ``code_later`` are chances that the owner's code is had within ``code_minutes`` or, failing that,
    within ``code_later_hours``; ``guesses`` are the wrong codes entered by one who has none.
    """

    code_now: Share
    code_minutes: Span = (1, 6)
    code_later: Share = 0.0
    code_later_hours: Span = (1, 20)
    mistypes: Share = 0.0
    guesses: Counts = (0, 0)
    defers: Share = 0.0
    pause_hours: Span = (2, 30)
    gives_up_for_good: Share = 0.0


class _Family(_Table):
    use: Use
    weight: float = Field(default=1.0, gt=0)
    manner: str


class HouseholdFamily(_Family):
    """One kind of household. Spans are drawn from once for each household; shares are of its starts unless noted."""

    archetype: Archetype
    adults: Counts = (2, 2)
    children: Counts = (0, 0)
    tvs: Counts = (1, 2)
    boxes: Counts = (0, 1)
    tablets: Counts = (0, 1)
    computers: Counts = (1, 2)
    starts_per_day: Span = (2.0, 4.0)
    tv_share: Share = 0.55
    mobile_share: Share = 0.12
    train_share: Share = 0.01
    cafe_share: Share = 0.02
    relatives_share: Share = 0.02
    work_computer_share: Share = 0.15
    """Share of computers that go along to the office."""
    trips_per_year: Span = (1, 3)
    trip_days: Span = (3, 12)
    abroad_share: Share = 0.4
    whole_family_share: Share = 0.6
    family_lodging_share: Share = 0.3
    """Share of trips that lead to relatives and not to a hotel or a holiday flat."""
    away_activity: Share = 0.5
    """Starts on the road, as a share of those at home."""
    strange_tv_share: Share = 0.12
    """Share of trips on which somebody signs in on a TV that stays there."""
    students: Counts = (0, 0)
    student_lodging: Literal["dorm", "carrier", "flat"] = "dorm"
    student_home_every_days: Span = (14, 35)
    student_home_days: Span = (2, 3)
    student_new_laptop_share: Share = 0.0
    weekends_away_per_month: Span = (0, 0)
    second_parent_days_per_fortnight: Counts = (0, 0)
    move_on_day: Counts | None = None
    new_provider_on_day: Counts | None = None
    vpn_devices: Counts = (0, 0)
    vpn_share: Span = (0, 0)
    vpn_abroad_share: Share = 0.0
    new_devices_per_year: Span = (0.4, 1.5)
    new_phone_share: Share = 0.5
    set_up_away_share: Share = 0.08


class OutsiderFamily(_Family):
    """Somebody the owner lets in, or did once, who lives elsewhere."""

    group: Literal["friend", "relay", "launderer"] = "friend"
    lives: Nearness
    first_day: Counts = (45, 240)
    stays_days: Span = (60, 400)
    people: Counts = (1, 1)
    plays_per_week: Span = (2, 5)
    tv_share: Share = 0.6
    phone_mobile_share: Share = 0.15
    own_profile_share: Share = 0.7
    forwards_for_days: Span = (10, 90)
    """After so many days since the first play the owner forwards no more codes."""
    visits_per_month: Span = (0, 0.3)
    owner_wifi_share: Share = 0.0
    """Share of starts over the owner's own Wi-Fi."""
    tries_new_device: Share = 0.0
    """Chance, at a refusal, that the next try is made on a device of another id."""
    tries_second_network: Share = 0.0


class ThiefFamily(_Family):
    """Somebody who stole or bought the password."""

    lair: Lair
    very_targeted: bool = False
    mimics_device: bool = False
    """Appears as a kind and a platform that the household has."""
    evenings_only: bool = False
    known_profile_share: Share = 0.6
    first_day: Counts = (60, 330)
    campaigns: Counts = (1, 1)
    attempts: Counts = (2, 6)
    hours_between: Span = (2, 48)
    tries_new_device: Share = 0.2
    tries_new_network: Share = 0.2
    fresh_address_share: Share = 0.1
    """Chance that a later attempt comes from another address of the same sort without cause, as proxies rotate."""


class Parameters(_Table):
    """All numbers of the simulated world."""

    calendar: Calendar
    development_seeds: tuple[int, ...] = Field(min_length=1)
    report_seeds: tuple[int, ...] = Field(min_length=1)
    mix: Mix
    networks: Networks
    streams: Streams
    devices: Devices
    manners: dict[str, Manner]
    households: dict[str, HouseholdFamily]
    outsiders: dict[str, OutsiderFamily]
    thieves: dict[str, ThiefFamily]

    @model_validator(mode="after")
    def _is_consistent(self) -> Parameters:
        if shared := set(self.development_seeds) & set(self.report_seeds):
            raise ValueError(f"report_seeds: {sorted(shared)} also stand in development_seeds")
        for table in ("households", "outsiders", "thieves"):
            self._check_families(table, getattr(self, table))
        self._check_outsider_names()
        return self

    def _check_families(self, table: str, families: dict[str, Any]) -> None:
        for name, family in families.items():
            if family.manner not in self.manners:
                raise ValueError(f"{table}.{name}.manner: no manner is named {family.manner!r}")
        for use in ("development", "report"):
            if not any(family.use == use for family in families.values()):
                raise ValueError(f"{table}: no family is for {use}")

    def _check_outsider_names(self) -> None:
        """Figures pick these groups out by their names."""
        for name, family in self.outsiders.items():
            if (family.group != "friend") != name.startswith(("relay", "launderer")):
                raise ValueError(f"outsiders.{name}.group: names start with relay or launderer in these groups alone")
        for use in ("development", "report"):
            here = {family.group for family in self.outsiders.values() if family.use == use}
            if missing := {"friend", "relay", "launderer"} - here:
                raise ValueError(f"outsiders: no family of the group {sorted(missing)[0]} is for {use}")


def load_parameters(path: Path | None = None) -> Parameters:
    """Read the file at ``path``, or the one that comes with the simulator.

    Raises:
        ParametersError: It can't be read, a key is unknown or missing, or a value is out of range.
    """
    source = path or DEFAULT_PATH
    try:
        return parse_parameters(tomllib.loads(source.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParametersError(f"{source}: {error}") from error


def parse_parameters(values: dict[str, Any]) -> Parameters:
    """Check the tables of a file.

    Raises:
        ParametersError: A key is unknown or missing, or a value is out of range.
    """
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        raise ParametersError("\n".join(_line(problem) for problem in error.errors())) from error


def _line(problem: Any) -> str:
    """One problem as ``field: what is wrong``."""
    field = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "unknown key"
    return f"{field}: {message}" if field else message
