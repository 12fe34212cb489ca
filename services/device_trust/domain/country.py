"""Whether the country of a device says anything about its household."""

from __future__ import annotations

from enum import StrEnum

from services.device_trust.domain.facts import Facts


class Whereabouts(StrEnum):
    """Where a device is, seen from its household's residences."""

    HOME_COUNTRY = "HOME_COUNTRY"
    FOREIGN = "FOREIGN"
    UNKNOWN = "UNKNOWN"


def whereabouts(facts: Facts) -> Whereabouts:
    """The device's country against the residences'. A residence in an unknown country leaves the question open."""
    homes = {residence.country for residence in facts.household.residences}
    country = facts.client.country
    if country is None or not homes:
        return Whereabouts.UNKNOWN
    if country in homes:
        return Whereabouts.HOME_COUNTRY
    return Whereabouts.UNKNOWN if None in homes else Whereabouts.FOREIGN
