"""A household for the benchmarks of device_trust: eight devices, two guests, twelve networks, ninety days.

The sightings are drawn from one seed, so that every run takes in the same ones. Devices come in turns: with ten
sightings each was seen once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import client_context_pb2 as common
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.runtime.ids import Ids

DAYS: Final = 89
"""How far back it was seen: as old as sightings may be when they come in, save a day."""
_SEED: Final = 20
_NEIGHBOURS: Final = 60
"""Other accounts: enough that the share of a provider tells something, and that the carrier's gateway is a crowd."""
_MINUTES: Final = 24 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A network, with its provider."""

    address: str
    asn: int
    country: str = "DE"


_PLACES: Final = {
    "home": Place(address="10.1.7.20", asn=64500),
    "home_v6": Place(address="2001:db8:7:100::20", asn=64500),
    "home_before": Place(address="10.1.80.9", asn=64500),
    "grandparents": Place(address="10.2.33.4", asn=64501),
    "carrier": Place(address="10.3.0.1", asn=64502),
    "carrier_v6": Place(address="2001:db9:3:100::1", asn=64502),
    "office": Place(address="10.4.12.8", asn=64503),
    "school": Place(address="10.5.90.2", asn=64504),
    "café": Place(address="10.1.200.77", asn=64500),
    "hotel": Place(address="10.6.41.3", asn=64505, country="ES"),
    "friend": Place(address="10.1.19.3", asn=64500),
    "cousin": Place(address="10.7.3.250", asn=64506),
}

_AT_HOME: Final[dict[str, float]] = {"home": 6, "home_v6": 3, "home_before": 1}
_OUT: Final[dict[str, float]] = {"carrier": 2, "carrier_v6": 1, "café": 0.5, "hotel": 0.5, "grandparents": 1}
_DEVICES: Final[dict[str, tuple[str, str, dict[str, float]]]] = {
    "living-room": ("TV", "TIZEN", _AT_HOME),
    "bedroom": ("TV", "ROKU", _AT_HOME),
    "console": ("CONSOLE", "OTHER", _AT_HOME | {"grandparents": 0.5}),
    "phone-1": ("PHONE", "IOS", _AT_HOME | _OUT | {"office": 3}),
    "phone-2": ("PHONE", "ANDROID", _AT_HOME | _OUT | {"office": 1, "friend": 0.5}),
    "phone-3": ("PHONE", "ANDROID", _AT_HOME | _OUT | {"school": 3, "cousin": 0.5}),
    "tablet": ("TABLET", "IOS", _AT_HOME | {"grandparents": 1, "hotel": 0.5}),
    "laptop": ("COMPUTER", "WINDOWS", _AT_HOME | {"office": 2, "café": 1}),
    "guest-tv": ("TV", "WEBOS", {"friend": 1}),
    "guest-phone": ("PHONE", "ANDROID", {"cousin": 6, "carrier": 1, "home": 0.5}),
}

VISITORS: Final = {"home": ("living-room", "home"), "away": ("phone-1", "hotel"), "guest": ("guest-tv", "friend")}
"""Who is assessed. A guest goes the longest way through the rules, until none is left."""


def seen_as(device_id: str, place: str) -> common.ClientContext:
    """A device at a place, as the edge sees it."""
    kind, platform, _ = _DEVICES[device_id]
    at = _PLACES[place]
    return common.ClientContext(
        ip_address=at.address,
        asn=at.asn,
        country_code=at.country,
        device=common.Device(
            id=device_id,
            kind=common.DeviceKind.Value(f"DEVICE_KIND_{kind}"),
            platform=common.Platform.Value(f"PLATFORM_{platform}"),
            name=device_id.replace("-", " ").capitalize(),
            public_key=device_id.encode() if kind == "PHONE" else b"",
        ),
    )


def sightings(account_id: UUID, count: int, now: datetime, ids: Ids) -> Iterator[pb.Sighting]:
    """So many sightings of the household, evenly over its ninety days, in the order of their time."""
    dice = random.Random(_SEED)
    turns: list[str] = []
    for index in range(count):
        turns = turns or dice.sample(list(_DEVICES), len(_DEVICES))
        device_id = turns.pop()
        weights = _DEVICES[device_id][2]
        (place,) = dice.choices(list(weights), list(weights.values()))
        ago = timedelta(days=DAYS) * (count - index) / count
        yield pb.Sighting(
            sighting_id=str(ids.new()),
            account_id=str(account_id),
            kind=pb.SIGHTING_KIND_START,
            event_time=_timestamp(now - ago),
            client=seen_as(device_id, place),
            profile_id=f"profile-{dice.randint(1, 4)}",
        )


def neighbours(now: datetime, ids: Ids) -> Iterator[pb.Sighting]:
    """One sighting each of other accounts, so that there are crowds to be looked up."""
    dice = random.Random(_SEED)
    for _ in range(_NEIGHBOURS):
        yield pb.Sighting(
            sighting_id=str(ids.new()),
            account_id=str(ids.new()),
            kind=pb.SIGHTING_KIND_START,
            event_time=_timestamp(now - timedelta(minutes=dice.randint(1, 20 * _MINUTES))),
            client=seen_as("phone-1", dice.choice(("carrier", "carrier", "café", "hotel"))),
        )


def _timestamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message
