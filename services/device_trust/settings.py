"""Settings of device_trust: the common ones, its key, and every number of its policy."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator

from libs.runtime.keys import decode_key
from libs.runtime.settings import ServiceSettings
from services.device_trust.domain.policy import Policy, Retention
from services.device_trust.retention import DeviceTrustRetention


class DeviceTrustSettings(DeviceTrustRetention, ServiceSettings):
    """Read from the environment, ``HEARTHGATE_`` before each name."""

    network_key: SecretStr
    """32 bytes in base64url, with which networks are hashed. Another key forgets every known network."""
    policy_version: str = Field(default="household-1", min_length=1, max_length=40)
    """Reported with every assessment; change it whenever a number below changes."""
    home_presence_days: int = Field(default=31, ge=1, le=366)
    """A device seen at home is a member for so long, and for so long again for each day that it was there.

    Netflix asks homes to check in once in 31 days (2023).
    """
    home_presence_max_days: int = Field(default=240, ge=1, le=366)
    """A member for so long at the most without being at home: a term abroad, and the holidays after it. Our own."""
    learning_days: int = Field(default=14, ge=0, le=90)
    """An account that was met in the middle of its life is only watched for so long: two weekends. Our own."""
    learning_active_days: int = Field(default=10, ge=0, le=90)
    """One that was used on fewer days by then is watched for twice as long. Our own figure."""
    tolerated_days: int = Field(default=7, ge=0, le=31)
    """Days on which devices of unknown standing play on a network before they are asked; 0 asks at the first start.

    A week away, so that a hotel's television is not asked. Our own figure.
    """
    tolerated_days_per_account: int = Field(default=13, ge=0, le=90)
    """Days, of 90, on which all such devices of an account do. Our own figure."""
    thief_threshold: float = Field(default=0.3, gt=0, le=1)
    """The score from which a sign-in counts as theft; `hearthgate simulate` draws what each threshold costs."""
    outsider_threshold: float = Field(default=0.99, gt=0, le=1)
    """The score from which an outsider is asked though days are left to be tolerated. Our own figure."""
    guest_days_per_quarter: int = Field(default=18, ge=0, le=90)
    """Days, of 90, on which guests of an account may play: tolerated, put off and bought ones together.

    What bounds an owner who forwards every code. Our own figure.
    """
    guest_days_per_year: int = Field(default=50, ge=0, le=366)
    """The same, of 365."""
    guest_lease_seconds: int = Field(default=14 * 86_400, ge=1)
    """What a code buys. Press reports on Netflix: 7 days, later 14."""
    deferral_seconds: int = Field(default=7 * 86_400, ge=1)
    """What "verify later" gives: the shorter of the same two figures, as nothing was proved."""
    guest_leases_per_period: int = Field(default=3, ge=0, le=100)
    """For an account: three visits or journeys of two weeks in a quarter. Our own figure."""
    guest_leases_per_network: int = Field(default=2, ge=0, le=100)
    """For an account on one network: a visitor's two devices, or one of them twice. Our own figure."""
    deferrals_per_period: int = Field(default=2, ge=0, le=100)
    """For an account. Our own figure."""
    deferrals_per_network: int = Field(default=1, ge=0, le=100)
    """For an account on one network, so that the next device in the same place gains no time. Our own figure."""
    travel_days_per_year: int = Field(default=60, ge=0, le=366)
    """Days that may be declared as travel in a sliding year: a long summer and two holidays. Our own figure."""
    max_residences: int = Field(default=3, ge=1, le=20)
    """Two parents' homes and a second home. Our own figure."""
    sighting_max_ahead_seconds: int = Field(default=300, ge=0)
    """How far a sighting's time may lie in the future: clock skew at the edge."""
    purge_interval_seconds: float = Field(default=3_600, gt=0)
    """How often what is past its retention is deleted."""
    crowd_interval_seconds: float = Field(default=3_600, gt=0)
    """How often the accounts on each network and with each provider are counted."""

    @field_validator("network_key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        decode_key(value.get_secret_value())
        return value

    def master_key(self) -> bytes:
        """The decoded network key."""
        return decode_key(self.network_key.get_secret_value())

    def policy(self) -> Policy:
        """The numbers that the rules use."""
        return Policy(
            version=self.policy_version,
            home_presence=timedelta(days=self.home_presence_days),
            home_presence_max=timedelta(days=self.home_presence_max_days),
            learning=timedelta(days=self.learning_days),
            learning_active_days=self.learning_active_days,
            tolerated_days=self.tolerated_days,
            tolerated_days_account=self.tolerated_days_per_account,
            thief_threshold=self.thief_threshold,
            outsider_threshold=self.outsider_threshold,
            guest_days_90=self.guest_days_per_quarter,
            guest_days_365=self.guest_days_per_year,
            guest_lease=timedelta(seconds=self.guest_lease_seconds),
            deferral=timedelta(seconds=self.deferral_seconds),
            allowance_period=timedelta(days=self.allowance_period_days),
            guest_leases_per_account=self.guest_leases_per_period,
            guest_leases_per_network=self.guest_leases_per_network,
            deferrals_per_account=self.deferrals_per_period,
            deferrals_per_network=self.deferrals_per_network,
            travel_days_per_year=self.travel_days_per_year,
            max_residences=self.max_residences,
        )

    def retention(self) -> Retention:
        """Which sightings are taken in."""
        return Retention(
            sighting_ahead=timedelta(seconds=self.sighting_max_ahead_seconds),
            sighting_age=timedelta(days=self.sighting_max_age_days),
        )
