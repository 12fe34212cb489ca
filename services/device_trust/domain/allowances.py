"""Allowances: how often a code, a deferral or a travel may still help, by account and by network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError
from services.device_trust.domain.facts import Household
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import AllowanceKind, AllowanceUse, NetworkHash, Travel

YEAR: Final = timedelta(days=365)
"""The running year of travel days: it slides, so that nobody gains by waiting for January."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowances:
    """What is left; each is zero or more."""

    deferrals_left: int
    guest_leases_left: int
    travel_days_left: int


def allowances_left(household: Household, now: datetime, policy: Policy, *, network: NetworkHash | None) -> Allowances:
    """What is left for an account, as seen from a network; with None, for the account as a whole.

    The smaller of the account's and the network's remainder counts: other devices, or other networks, refill nothing.
    """
    since = now - policy.allowance_period
    uses = [use for use in household.uses if use.used_time > since]
    deferrals = policy.deferrals_per_account, policy.deferrals_per_network
    leases = policy.guest_leases_per_account, policy.guest_leases_per_network
    return Allowances(
        deferrals_left=_left(uses, AllowanceKind.DEFERRAL, network, *deferrals),
        guest_leases_left=_left(uses, AllowanceKind.GUEST_LEASE, network, *leases),
        travel_days_left=max(0, policy.travel_days_per_year - travel_days_used(household.travels, now)),
    )


def travel_days(travel: Travel) -> int:
    """How many days (UTC) a travel takes; begun days count whole."""
    return (_day(travel.end_time) - _day(travel.start_time)).days + 1


def travel_days_used(travels: tuple[Travel, ...], now: datetime) -> int:
    """How many days of the running year, and of what lies ahead, are taken. Each declaration costs its own days."""
    year_began = now - YEAR
    recent = (travel for travel in travels if travel.end_time > year_began)
    return sum(
        travel_days(Travel(country=t.country, start_time=max(t.start_time, year_began), end_time=t.end_time))
        for t in recent
    )


def exhausted(allowance: str) -> ServiceError:
    """The error for an allowance that is used up; its metadata names it."""
    return ServiceError(ErrorReason.ALLOWANCE_EXHAUSTED, detail=allowance, metadata={"allowance": allowance})


def _left(
    uses: list[AllowanceUse], kind: AllowanceKind, network: NetworkHash | None, per_account: int, per_network: int
) -> int:
    mine = [use for use in uses if use.kind is kind]
    left = per_account - len(mine)
    if network is not None:
        left = min(left, per_network - sum(use.network == network for use in mine))
    return max(0, left)


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
