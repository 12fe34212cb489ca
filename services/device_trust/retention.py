"""What device_trust keeps, how long and why. As a job: ``python -m services.device_trust.retention run``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, Self

from pydantic import Field, model_validator

from libs.persistence.retention import Policy, Rule
from libs.persistence.retention_job import RetentionSettings, main

_MARGIN: Final = timedelta(days=1)
"""Ids outlive the age at which their sightings are refused by this, so that no skew lets one in twice."""
_YEAR: Final = timedelta(days=366)
_DAY: Final = "($1::timestamptz at time zone 'UTC')::date"
_BOUNDED: Final = {
    "erased_account": "Hashes of erased accounts' ids, forgotten after 120 days, whenever another account is erased.",
    "household": "One row an account: the lock under which its devices and allowances change.",
    "history": "One value an account, whose devices, networks and days are bounded (domain/history.py).",
    "residence": "At most HEARTHGATE_MAX_RESIDENCES rows an account; one that is learned takes an older one's place.",
}
_CATALOGUE: Final = {"crowd": "As many rows as networks and providers were seen lately; counted anew all the time."}


class DeviceTrustRetention(RetentionSettings):
    """The service's numbers."""

    allowance_period_days: int = Field(default=90, ge=1, le=366)
    """The sliding period over which leases and deferrals are counted: a quarter. Our own figure."""
    sighting_max_age_days: int = Field(default=90, ge=1, le=366)
    """How old a sighting may be when it comes in: no older than the allowance period looks back."""
    presence_retention_days: int = Field(default=120, ge=1)
    """How long it is kept that an account was on a network: the oldest sighting taken in, and a month."""
    request_retention_days: int = Field(default=30, ge=1)
    """How long a request id is remembered; no caller repeats a request so late."""
    device_retention_days: int = Field(default=730, ge=1, le=3650)
    """How long a device is listed after it was last seen, or revoked. Ours: longer than any standing or token holds."""

    @model_validator(mode="after")
    def _devices_outlive_what_hangs_on_them(self) -> Self:
        if self.device_retention_days < 2 * self.allowance_period_days:
            raise ValueError(
                "HEARTHGATE_DEVICE_RETENTION_DAYS must be twice HEARTHGATE_ALLOWANCE_PERIOD_DAYS or more: "
                "a use that is still counted looks at its device"
            )
        return self

    def retention_policy(self) -> Policy:
        """The service's policy."""
        rules = [*self._of_sightings(), *self._of_allowances(), *self._of_devices()]
        return Policy(service="device_trust", rules=rules, bounded=_BOUNDED, catalogue=_CATALOGUE)

    def _of_sightings(self) -> Iterator[Rule]:
        presence = timedelta(days=self.presence_retention_days)
        yield Rule(
            table="sighting_seen",
            what="ids of sightings",
            keep=timedelta(days=self.sighting_max_age_days) + _MARGIN,
            since="it was seen",
            why="A day longer than a sighting of that age is taken in, so that none is counted twice.",
            setting="HEARTHGATE_SIGHTING_MAX_AGE_DAYS",
            condition="event_time < $1",
        )
        yield Rule(
            table="network_seen",
            what="networks of accounts",
            keep=presence,
            since="the account was last seen there",
            why="The oldest sighting taken in, and a month: from it the crowds are counted.",
            setting="HEARTHGATE_PRESENCE_RETENTION_DAYS",
            condition=f"last_day < {_DAY}",
        )
        yield Rule(
            table="presence",
            what="devices on networks, by day",
            keep=presence,
            since="that day",
            why="No longer written; what an earlier release wrote goes in the same time.",
            setting="HEARTHGATE_PRESENCE_RETENTION_DAYS",
            condition=f"day < {_DAY}",
        )

    def _of_allowances(self) -> Iterator[Rule]:
        yield Rule(
            table="request",
            what="answers to request ids",
            keep=timedelta(days=self.request_retention_days),
            since="it was answered",
            why="No caller repeats a request so late.",
            setting="HEARTHGATE_REQUEST_RETENTION_DAYS",
            condition="created_time < $1",
        )
        yield Rule(
            table="allowance_use",
            what="guest leases and deferrals that were used",
            keep=timedelta(days=self.allowance_period_days) + _MARGIN,
            since="it was used",
            why="Counted over the allowance period, and never after.",
            setting="HEARTHGATE_ALLOWANCE_PERIOD_DAYS",
            condition="used_time < $1",
            walk="account_id",
        )
        yield Rule(
            table="travel",
            what="declared journeys",
            keep=_YEAR + _MARGIN,
            since="its end",
            why="Days of travel are counted over a sliding year.",
            setting="",
            condition="end_time < $1",
            walk="account_id",
        )

    def _of_devices(self) -> Iterator[Rule]:
        yield Rule(
            table="device",
            what="devices, revoked ones among them",
            keep=timedelta(days=self.device_retention_days),
            since="it was last seen, and revoked if it was",
            why="Two years: membership ends after 240 days and refresh tokens after 90, so nothing hangs on it. Ours.",
            setting="HEARTHGATE_DEVICE_RETENTION_DAYS",
            condition="last_seen_time < $1 and (revoked_time is null or revoked_time < $1)",
            walk="account_id",
        )


if __name__ == "__main__":
    raise SystemExit(main(DeviceTrustRetention, sys.argv[1:]))
