"""Settings of the gateway."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from libs.rollout.experiment import Experiment
from libs.rollout.parsing import parse_experiment
from libs.rpc.channel import ClientTlsFiles
from libs.runtime.keys import SealingKeys, SigningKey, decode_key, derive_key
from libs.runtime.settings import ServiceSettings
from services.gateway.domain.erasure import ErasurePolicy
from services.gateway.domain.lease import LeasePolicy
from services.gateway.domain.notices import NoticePolicy
from services.gateway.domain.own_account import OwnAccountPolicy
from services.gateway.retention import GatewayRetention

_EXPERIMENT = '{"key": "sharing-check", "on": true, "enforce_share": 1.0}'


class GatewaySettings(GatewayRetention, ServiceSettings):
    """What the gateway is told beyond what every service is."""

    identity_address: str
    """gRPC target of identity, for instance ``dns:///identity:7401``."""
    device_trust_address: str
    challenge_address: str
    download_planning_address: str
    caller_secret: SecretStr
    """The secret with which the gateway calls the leaves, as caller ``gateway``."""
    leaf_ca_file: Path | None = None
    """PEM of the authority that signed the leaves' certificates; the leaves are then called over TLS alone. Empty: a
    mesh encrypts between the pods, or nothing does."""
    leaf_certificate_file: Path | None = None
    """PEM of the gateway's own certificate, where the leaves demand one (their ``tls_client_ca_file``)."""
    leaf_key_file: Path | None = None
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
    upkeep_seconds: float = Field(default=3600, gt=0, le=86_400)
    """How often what is past its time is deleted."""
    alike_milliseconds: int = Field(default=400, ge=0, le=5000)
    """Rejected sign-ins, sign-ups, resets and contact changes are answered no sooner: known and unknown addresses then
    take alike. Ours: longer than the work takes on a machine that is not overrun."""

    disown_days: int = Field(default=30, ge=1, le=365)
    """How long the "it wasn't me" of a mail can be pressed. Ours: people read mails about a holiday late."""
    notice_retry_hours: float = Field(default=72, gt=0, le=168)
    """How long a notice that challenge does not take is tried. Ours: a weekend's outage; challenge knows a notice's id
    for longer (30 days), so that none is mailed twice."""
    notice_poll_seconds: float = Field(default=5, gt=0, le=60)
    """How often it is looked for notices that another process left."""

    own_account_undo_days: int = Field(default=14, ge=0, le=365)
    """How long an own account can be undone. Ours: as long as consumers in the EU may withdraw from a contract."""
    own_account_lease_seconds: float = Field(default=60, gt=0, le=3600)
    """How long a move that nobody gets on with is left alone before a worker takes it up. Ours: beyond any deadline."""
    own_account_poll_seconds: float = Field(default=5, gt=0, le=3600)
    """How often a worker looks for such moves."""
    own_account_max_attempts: int = Field(default=20, ge=1, le=1000)
    """Attempts at a step before it is given up, and listed for the operator. Ours: more than three hours."""
    erasure_grace_days: float = Field(default=14, ge=0, le=30)
    """How long an account that is to be erased is closed before it is (ours; GDPR, article 12: within a month)."""
    erasure_settle_seconds: float = Field(default=60, gt=0, le=3600)
    """When everything that was under way at an account's closing is over: longer than a call's deadline (ours)."""
    erasure_max_attempts: int = Field(default=100, ge=1, le=10_000)
    """After so many failures of one step in a row, about four days, an erasure waits for an operator (ours)."""
    erasure_poll_seconds: float = Field(default=30, gt=0, le=3600)
    """How often it is looked which erasures are due (ours)."""

    sign_ins_at_once: int = Field(default=24, ge=1, le=10_000)
    """Checks and settings of passwords and PINs, sign-ins among them, under way in one replica; beyond, OVERLOADED
    before identity is asked. Our choice: under the 33 that one identity takes, so that a flood through one gateway ends
    here; identity's own bound holds for all of them."""

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

    @model_validator(mode="after")
    def _leaf_tls_is_complete(self) -> Self:
        if (self.leaf_certificate_file is None) != (self.leaf_key_file is None):
            raise ValueError("HEARTHGATE_LEAF_CERTIFICATE_FILE and HEARTHGATE_LEAF_KEY_FILE go together")
        if self.leaf_certificate_file is not None and self.leaf_ca_file is None:
            raise ValueError("HEARTHGATE_LEAF_CERTIFICATE_FILE needs HEARTHGATE_LEAF_CA_FILE")
        return self

    @property
    def leaf_tls(self) -> ClientTlsFiles | None:
        """How the leaves are called over TLS; None: in plaintext, for where a mesh encrypts."""
        if self.leaf_ca_file is None:
            return None
        return ClientTlsFiles(
            authority=self.leaf_ca_file, certificate=self.leaf_certificate_file, key=self.leaf_key_file
        )

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
    def own_account_policy(self) -> OwnAccountPolicy:
        """How long own accounts can be undone, and how they are taken up again."""
        return OwnAccountPolicy(
            undo_window=timedelta(days=self.own_account_undo_days),
            lease=timedelta(seconds=self.own_account_lease_seconds),
            poll=timedelta(seconds=self.own_account_poll_seconds),
            max_attempts=self.own_account_max_attempts,
        )

    @property
    def erasure_policy(self) -> ErasurePolicy:
        """How erasures go."""
        return ErasurePolicy(
            grace=timedelta(days=self.erasure_grace_days),
            settle=timedelta(seconds=self.erasure_settle_seconds),
            max_attempts=self.erasure_max_attempts,
        )

    @property
    def erasure_poll(self) -> timedelta:
        """How often it is looked which erasures are due."""
        return timedelta(seconds=self.erasure_poll_seconds)

    def signing_keys(self) -> list[SigningKey]:
        """The keys of grants, newest first."""
        return [SigningKey.from_seed(derive_key(key, "grants")) for key in self._masters()]

    def sealing_keys(self) -> SealingKeys:
        """The keys under which waiting clients are sealed."""
        return SealingKeys([derive_key(key, "askers") for key in self._masters()])

    def notice_keys(self) -> SealingKeys:
        """The keys under which waiting notices are sealed."""
        return SealingKeys([derive_key(key, "pending notices") for key in self._masters()])

    def disown_keys(self) -> SealingKeys:
        """The keys of "it wasn't me" tokens."""
        return SealingKeys([derive_key(key, "disown tokens") for key in self._masters()])

    @property
    def notice_policy(self) -> NoticePolicy:
        """How long notices are tried."""
        return NoticePolicy(lifetime=timedelta(hours=self.notice_retry_hours))

    def digest_key(self) -> bytes:
        """The key of request digests; the oldest master's, so that adding a newer one changes no digest."""
        return derive_key(self._masters()[-1], "request digests")

    def _masters(self) -> list[bytes]:
        return [decode_key(part.strip()) for part in self.master_keys.get_secret_value().split(",")]
