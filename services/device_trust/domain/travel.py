"""Declared travel: which days may be declared, and what they cost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from libs.runtime.errors import invalid_field
from services.device_trust.domain.allowances import allowances_left, exhausted, travel_days
from services.device_trust.domain.facts import Household
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Travel

_EARLIEST_START: Final = timedelta(days=1)
"""A travel that began today, in any time zone, may still be declared."""


def check_travel(travel: Travel, household: Household, now: datetime, policy: Policy) -> None:
    """Raise INVALID_FIELD for days that end before they begin or lie in the past, ALLOWANCE_EXHAUSTED for too many."""
    if travel.end_time < travel.start_time:
        raise invalid_field("end_time", "must not lie before start_time")
    if travel.end_time < now:
        raise invalid_field("end_time", "must not lie in the past")
    if travel.start_time < now - _EARLIEST_START:
        raise invalid_field("start_time", "must not lie more than a day in the past")
    if travel_days(travel) > allowances_left(household, now, policy, network=None).travel_days_left:
        raise exhausted("travel_days")
