"""What a send or a guess is charged to, beside its account: networks, ranges of numbers, the day's money.

A bucket holds so much and fills evenly (the generic cell rate algorithm, ITU-T I.371): a whole window's worth may come
at once, and then only as fast as it fills. One moment is all that is kept of it, whatever the limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from libs.runtime.networks import network_of
from services.challenge.domain.challenge import Channel
from services.challenge.domain.destinations import Destination
from services.challenge.domain.policy import Limit, Policy

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """A bucket by kind and key, and how much of it is used: ``cost`` of ``window``, as time that it takes to refill."""

    kind: str
    key: str = field(repr=False)
    cost: timedelta
    window: timedelta


def charges_of_send(destination: Destination, ip_address: str, policy: Policy) -> list[Charge]:
    """What sending a code costs. An empty address is counted under no network."""
    charges = [_spent(destination, policy)]
    if ip_address:
        charges.append(_counted("network", network_of(ip_address), policy.sends_per_network))
    if destination.phone_ranges:
        charges.append(_counted("phone_range", destination.phone_ranges[0], policy.sends_per_phone_range))
    return charges


def charge_of_notice(destination: Destination, policy: Policy) -> Charge:
    """What a notice costs: money alone."""
    return _spent(destination, policy)


def charge_of_guess(ip_address: str, policy: Policy) -> Charge | None:
    """What a wrong code costs the network that it came from; None where that is unknown."""
    if not ip_address:
        return None
    return _counted("guesses", network_of(ip_address), policy.failures_per_network)


def _counted(kind: str, key: str, limit: Limit) -> Charge:
    return Charge(kind=kind, key=key, cost=limit.window / limit.count, window=limit.window)


def _spent(destination: Destination, policy: Policy) -> Charge:
    spending = policy.spending
    price = spending.text_price if destination.channel is Channel.TEXT else spending.email_price
    return Charge(kind="spending", key="", cost=_DAY * (price / spending.ceiling_per_day), window=_DAY)
