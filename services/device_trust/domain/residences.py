"""Residences: which device may declare one, how many there may be, and what their people are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.device_trust.domain.facts import Facts
from services.device_trust.domain.history import History, day_of, is_home
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Client, Residence, Standing
from services.device_trust.domain.standing import judge


@dataclass(frozen=True, kw_only=True, slots=True)
class ResidenceSummary:
    """A residence as its people see it, with the number of devices seen there lately."""

    residence_id: UUID
    name: str
    country: str | None
    declared: bool
    device_count: int
    last_seen_time: datetime


def summarise(residence: Residence, history: History, since: int) -> ResidenceSummary:
    """The residence as its people see it, with the number of devices seen there since a day."""
    return ResidenceSummary(
        residence_id=residence.residence_id,
        name=residence.name,
        country=residence.country,
        declared=residence.declared,
        device_count=count_residents(history, residence, since),
        last_seen_time=residence.last_seen_time,
    )


def declare(facts: Facts, name: str, policy: Policy, new_id: UUID) -> Residence:
    """The residence that a device of the household declares; a known one is named, and declared from now on.

    Raises STATE_CONFLICT unless the device is of the household, LIMIT_EXCEEDED beyond the residences allowed.
    """
    standing = judge(facts, policy).standing
    if standing not in (Standing.HOUSEHOLD, Standing.TRAVELLING):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"the device is {standing}")
    known = find_residence(facts)
    if known is not None:
        return replace(known, declared=True, name=name or known.name, country=known.country or facts.client.country)
    if len(facts.household.residences) >= policy.max_residences:
        raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="residences", metadata={"limit": "residences"})
    return new_residence(facts, new_id, declared=True, name=name)


def find_residence(facts: Facts) -> Residence | None:
    """The residence on whose network the device is, if it is on one."""
    return next((each for each in facts.household.residences if each.network == facts.client.network), None)


def new_residence(facts: Facts, new_id: UUID, *, declared: bool, name: str = "") -> Residence:
    """A residence at the network where the device is now."""
    return Residence(
        residence_id=new_id,
        network=facts.client.network,
        country=facts.client.country,
        declared=declared,
        name=name,
        last_seen_time=facts.now,
    )


def settle(
    history: History, residences: tuple[Residence, ...], client: Client, at: datetime, policy: Policy, new_id: UUID
) -> tuple[Residence, ...]:
    """The residences after the client's network was found to be a home.

    A residence that fell silent when its household appeared here has moved: another address, or another flat. Else
    this is one more residence, for which the learned one longest unseen makes room; declared ones stay. What made room
    is no home in the history any more, either. An address among strangers is none to be shown or kept.
    """
    day = day_of(at)
    kept = tuple(each for each in residences if each.declared or _lived_in(history, each, day))
    if history.networks[client.network].contested or any(each.network == client.network for each in kept):
        return kept
    moved = _moved_here(history, kept, client)
    if moved is not None:
        _leave(history, moved, client)
        here = replace(moved, network=client.network, last_seen_time=at, country=client.country or moved.country)
        return tuple(here if each is moved else each for each in kept)
    kept = _with_room(history, kept, policy.max_residences)
    if len(kept) >= policy.max_residences:
        return kept
    found = Residence(
        residence_id=new_id, network=client.network, country=client.country, declared=False, name="", last_seen_time=at
    )
    return (*kept, found)


def visited(residences: tuple[Residence, ...], client: Client, at: datetime) -> tuple[Residence, ...]:
    """The residences after a device was seen at one: neither is its time taken back nor a known country changed."""
    return tuple(
        replace(each, last_seen_time=max(each.last_seen_time, at), country=each.country or client.country)
        if each.network == client.network
        else each
        for each in residences
    )


def count_residents(history: History, residence: Residence, since: int) -> int:
    """How many devices were on a residence's network since a day."""
    network = history.networks.get(residence.network)
    return sum(each.last_day >= since for each in network.presence.values()) if network is not None else 0


def _lived_in(history: History, residence: Residence, day: int) -> bool:
    """Whether a learned residence still is a home: the first one may turn out to be another place."""
    network = history.networks.get(residence.network)
    return network is not None and is_home(network, day)


def _moved_here(history: History, residences: tuple[Residence, ...], client: Client) -> Residence | None:
    first_day = history.networks[client.network].first_day
    for each in residences:
        network = history.networks.get(each.network)
        left = network is None or network.home_day <= first_day
        if left and (each.country is None or client.country is None or each.country == client.country):
            return each
    return None


def _leave(history: History, residence: Residence, client: Client) -> None:
    """A residence that moved gives its address up, unless that is of the other family: then it may have both."""
    network = history.networks.get(residence.network)
    if network is not None and network.v6 == client.v6:
        network.given_up = True


def _with_room(history: History, residences: tuple[Residence, ...], limit: int) -> tuple[Residence, ...]:
    learned = [each for each in residences if not each.declared]
    if len(residences) < limit or not learned:
        return residences
    oldest = min(learned, key=lambda each: each.last_seen_time)
    network = history.networks.get(oldest.network)
    if network is not None:
        network.home_day = 0
    return tuple(each for each in residences if each is not oldest)
