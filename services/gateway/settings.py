"""Settings of the gateway."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

from pydantic import Field, SecretStr, field_validator

from libs.rollout.experiment import Experiment
from libs.rollout.parsing import parse_experiment
from libs.runtime.keys import SealingKeys, SigningKey, decode_key, derive_key
from libs.runtime.settings import ServiceSettings
from services.gateway.domain.lease import LeasePolicy
from services.gateway.upkeep import Retention

_EXPERIMENT = '{"key": "sharing-check", "on": true, "enforce_share": 1.0}'


class GatewaySettings(ServiceSettings):
    """What the gateway is told beyond what every service is."""

    identity_address: str
    """gRPC target of identity, for instance ``dns:///identity:7401``."""
    device_trust_address: str
    challenge_address: str
    download_planning_address: str
    caller_secret: SecretStr
    """The secret with which the gateway calls the leaves, as caller ``gateway``."""
    master_keys: SecretStr
    """32-byte keys in base64url, separated by commas, the newest first; grants and sealing derive theirs from them."""
    public_callers: list[str] = Field(default=["backend"])
    """Who may call for devices; ``["*"]`` lets anyone, for where a proxy in front has admitted them."""
    operator_callers: list[str] = Field(default=["operator"])
    """Who may call what is for support staff."""
    sharing_experiment: str = _EXPERIMENT
    """JSON of the experiment that the sharing check is; ``"on": false`` switches it off for every account."""
    policy_version: str = "1"
    """Kept with each decision."""
    lease_seconds: float = Field(default=90, gt=0, le=3600)
    """How long a slot is held without a renewal (Adobe: a session is active for 90 s after its last event)."""
    renew_after_seconds: float = Field(default=60, gt=0, le=3600)
    """When a stream is to be renewed (Adobe: heartbeat of 60 s)."""
    decision_retention_days: int = Field(default=90, ge=1, le=3650)
    """How long a decision can be explained, and a request id is known."""
    upkeep_seconds: float = Field(default=3600, gt=0, le=86_400)
    """How often what is past its time is deleted."""
    alike_milliseconds: int = Field(default=400, ge=0, le=5000)
    """Sign-ups and password resets are answered no sooner than this, so that known and unknown addresses take alike."""

    sign_ins_at_once: int = Field(default=24, ge=1, le=10_000)
    """Sign-ins under way in one replica; beyond, OVERLOADED before anything is done. Our choice: under the 33 that one
    identity takes, so that a flood through one gateway ends here; identity's own bound holds for all of them."""

    @field_validator("master_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        for part in value.get_secret_value().split(","):
            decode_key(part.strip())
        return value

    @field_validator("sharing_experiment")
    @classmethod
    def _is_experiment(cls, value: str) -> str:
        parse_experiment(value)
        return value

    @cached_property
    def experiment(self) -> Experiment:
        """The sharing check as an experiment."""
        return parse_experiment(self.sharing_experiment)

    @property
    def lease_policy(self) -> LeasePolicy:
        """How long leases hold."""
        return LeasePolicy(
            lease=timedelta(seconds=self.lease_seconds), renew_after=timedelta(seconds=self.renew_after_seconds)
        )

    @property
    def retention(self) -> Retention:
        """How long decisions are kept."""
        return Retention(
            decisions=timedelta(days=self.decision_retention_days), interval=timedelta(seconds=self.upkeep_seconds)
        )

    def signing_keys(self) -> list[SigningKey]:
        """The keys of grants, newest first."""
        return [SigningKey.from_seed(derive_key(key, "grants")) for key in self._masters()]

    def sealing_keys(self) -> SealingKeys:
        """The keys under which waiting clients are sealed."""
        return SealingKeys([derive_key(key, "askers") for key in self._masters()])

    def digest_key(self) -> bytes:
        """The key of request digests; the oldest master's, so that adding a newer one changes no digest."""
        return derive_key(self._masters()[-1], "request digests")

    def _masters(self) -> list[bytes]:
        return [decode_key(part.strip()) for part in self.master_keys.get_secret_value().split(",")]
