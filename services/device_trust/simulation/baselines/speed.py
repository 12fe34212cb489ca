"""Impossible concurrency: two devices of an account too far apart for the time between them.

After the rule of Adobe's Account IQ as its documentation gives it: devices of different clusters would have to move at
more than 124 mph within 124 miles, or at more than 400 mph beyond.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.device_trust.replay.records import ANSWERED, Answer, Event, Record
from services.device_trust.simulation.baselines.answers import answer
from services.device_trust.simulation.baselines.centroids import miles_between

_NEAR_MILES: Final = 124.0
_NEAR_MPH: Final = 124.0
_FAR_MPH: Final = 400.0
_MILES_IN_COUNTRY: Final = 60.0
"""Between two operators' networks in a country: records hold no coordinates, and those of an address err by as much."""

Place = tuple[str | None, int | None]
"""A cluster: country and autonomous system."""


class ImpossibleSpeed:
    """Asks the later of two devices that are too far apart for the time between their events, while they are.

    A passed code clears the device at its place, else whoever passed would be asked again at once. Places are countries
    and autonomous systems; what is unknown is no distance away. The score is 1 while flagged, else 0.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[datetime, Place]]] = {}
        self._cleared: dict[tuple[str, str], Place] = {}

    def handle(self, record: Record) -> Answer | None:
        """Take a record in; answer it if it is a SIGN_IN or a START."""
        place = (record.country, record.asn)
        devices = self._seen.setdefault(record.account, {})
        if record.event is Event.CODE_PASSED:
            self._cleared[record.account, record.device_id] = place
        flagged = self._flagged(record, place)
        # A flagged device's place is no ground to flag the devices that were there before it.
        if not flagged:
            devices[record.device_id] = (record.time, place)
        if record.event not in ANSWERED:
            return None
        return answer(record, asked=flagged, thief=float(flagged), reason="impossible_speed")

    def _flagged(self, record: Record, place: Place) -> bool:
        if self._cleared.get((record.account, record.device_id)) == place:
            return False
        return any(
            device_id != record.device_id and abs(record.time - seen) < shortest_travel(there, place)
            for device_id, (seen, there) in self._seen[record.account].items()
        )


def shortest_travel(one: Place, other: Place) -> timedelta:
    """The least time in which the way between two places is possible."""
    miles = _miles(one, other)
    return timedelta(hours=miles / (_NEAR_MPH if miles <= _NEAR_MILES else _FAR_MPH))


def _miles(one: Place, other: Place) -> float:
    (country, asn), (other_country, other_asn) = one, other
    if country is not None and other_country is not None and country != other_country:
        return miles_between(country, other_country)
    elsewhere = asn is not None and other_asn is not None and asn != other_asn
    return _MILES_IN_COUNTRY if elsewhere else 0.0
