"""About where countries lie: the middle of each to a degree, as in the CIA World Factbook (public domain)."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Final

_EARTH_RADIUS_MILES: Final = 3958.8
_UNKNOWN_MILES: Final = 1000.0
"""Where a country is not in the table: a distance as between neighbours' middles, in round numbers."""

_MIDDLES: Final[dict[str, tuple[float, float]]] = {
    "AR": (-34, -64),
    "AT": (47, 13),
    "AU": (-27, 133),
    "BE": (51, 4),
    "BG": (43, 25),
    "BR": (-10, -55),
    "CA": (60, -95),
    "CH": (47, 8),
    "CL": (-30, -71),
    "CN": (35, 105),
    "CO": (4, -72),
    "CR": (10, -84),
    "CZ": (50, 16),
    "DE": (51, 9),
    "DK": (56, 10),
    "EG": (27, 30),
    "ES": (40, -4),
    "FI": (64, 26),
    "FR": (46, 2),
    "GB": (54, -2),
    "GR": (39, 22),
    "HR": (45, 16),
    "HU": (47, 20),
    "ID": (-5, 120),
    "IE": (53, -8),
    "IL": (32, 35),
    "IN": (20, 77),
    "IT": (43, 13),
    "JP": (36, 138),
    "KE": (1, 38),
    "KR": (37, 128),
    "MA": (32, -5),
    "MX": (23, -102),
    "MY": (3, 113),
    "NG": (10, 8),
    "NL": (53, 6),
    "NO": (62, 10),
    "NZ": (-41, 174),
    "PE": (-10, -76),
    "PH": (13, 122),
    "PL": (52, 20),
    "PT": (40, -8),
    "RO": (46, 25),
    "RU": (60, 100),
    "SA": (25, 45),
    "SE": (62, 15),
    "SG": (1, 104),
    "TH": (15, 100),
    "TR": (39, 35),
    "UA": (49, 32),
    "US": (38, -97),
    "VN": (16, 106),
    "ZA": (-29, 24),
}
"""Degrees of latitude (north) and longitude (east) by ISO 3166-1 code."""


def miles_between(country: str, other: str) -> float:
    """The great circle between two countries' middles, in miles, by the haversine (Sinnott 1984)."""
    if country == other:
        return 0.0
    if country not in _MIDDLES or other not in _MIDDLES:
        return _UNKNOWN_MILES
    (north, east), (other_north, other_east) = _MIDDLES[country], _MIDDLES[other]
    across = sin(radians(other_north - north) / 2) ** 2
    along = cos(radians(north)) * cos(radians(other_north)) * sin(radians(other_east - east) / 2) ** 2
    return 2 * _EARTH_RADIUS_MILES * asin(sqrt(across + along))
