"""Residences: which device may declare one, how many there may be, and what their people are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Client, Facts, Residence, Standing
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


def summarise(residence: Residence, counts: Mapping[UUID, int]) -> ResidenceSummary:
    """The residence as its people see it; ``counts`` are devices seen lately, by residence."""
    return ResidenceSummary(
        residence_id=residence.residence_id,
        name=residence.name,
        country=residence.country,
        declared=residence.declared,
        device_count=counts.get(residence.residence_id, 0),
        last_seen_time=residence.last_seen_time,
    )


def declare(facts: Facts, client: Client, name: str, policy: Policy, new_id: UUID) -> Residence:
    """The residence that a device of the household declares; a known one is named, and declared from now on.

    Raises STATE_CONFLICT unless the device is of the household, LIMIT_EXCEEDED beyond the residences allowed.
    """
    standing = judge(facts, policy).standing
    if standing not in (Standing.HOUSEHOLD, Standing.TRAVELLING):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"the device is {standing}")
    known = find_residence(facts)
    if known is not None:
        return replace(known, declared=True, name=name or known.name, country=known.country or client.country)
    if len(facts.residences) >= policy.max_residences:
        raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="residences", metadata={"limit": "residences"})
    return new_residence(facts, client, new_id, declared=True, name=name)


def find_residence(facts: Facts) -> Residence | None:
    """The residence on whose network the device is, if it is on one."""
    return next((each for each in facts.residences if each.network == facts.network), None)


def new_residence(facts: Facts, client: Client, new_id: UUID, *, declared: bool, name: str = "") -> Residence:
    """A residence at the network where the device is now."""
    return Residence(
        residence_id=new_id,
        network=client.network,
        country=client.country,
        declared=declared,
        name=name,
        last_seen_time=facts.now,
    )
