"""Settings of the identity service."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from libs.runtime.settings import ServiceSettings
from services.identity.contact_keys import ContactForm, ContactKeys
from services.identity.domain.session import Lifetimes
from services.identity.retention import IdentityRetention


class IdentitySettings(IdentityRetention, ServiceSettings):
    """What the identity service is told, each under ``HEARTHGATE_`` and its name."""

    contact_keys: SecretStr
    """Keys that protect addresses and numbers: ``label:base64url of 32 bytes``, commas between, the first one seals."""
    contact_form: ContactForm = ContactForm.DIRECT
    """How contacts are written: ``envelope`` under a key of the account's own, once migration 0006 is applied and no
    process of a release before it is left; ``direct`` until then. Both are read, whatever stands here."""
    session_token_seconds: int = Field(default=86_400, ge=1, le=31_536_000)
    """How long a session token holds. Our choice: a day, so that a copied token is worth little for long."""
    refresh_token_seconds: int = Field(default=7_776_000, ge=1, le=63_072_000)
    """How long a refresh token holds, anew with each exchange. Our choice: 90 days unused, then one signs in again."""
    password_memory_kib: int = Field(default=19_456, ge=19_456, le=1_048_576)
    """Argon2id memory. OWASP password storage: 19 MiB at least."""
    password_passes: int = Field(default=2, ge=2, le=10)
    """Argon2id passes. OWASP password storage: 2 with 19 MiB."""
    password_lanes: int = Field(default=1, ge=1, le=4)
    """Argon2id parallelism. OWASP password storage: 1."""
    password_threads: int = Field(default=1, ge=1, le=8)
    """Passwords hashed at once. Our choice: one, about 25 a second, so that a core stays free for everything else."""
    password_waiters: int = Field(default=32, ge=0, le=1_000)
    """Passwords that may wait for a thread. Our choice: little more than a second's work."""
    password_retry_after_seconds: float = Field(default=2, gt=0, le=60)
    """When a caller who was shed may come again. Our choice: longer than the queue takes to drain."""
    default_plan_id: str = Field(default="standard", pattern=r"^[a-z0-9-]{1,32}$")
    """The plan of an account that names none."""
    max_profiles: int = Field(default=5, ge=1, le=100)
    """Profiles an account may have. Netflix help: 5."""

    upkeep_seconds: float = Field(default=86_400, gt=0, le=604_800)
    """How often what is past its retention is deleted. Ours: once a day, as it reads through the tables."""

    @model_validator(mode="after")
    def _reuse_is_seen(self) -> Self:
        if self.spent_token_days * 86_400 < self.refresh_token_seconds:
            raise ValueError("HEARTHGATE_SPENT_TOKEN_DAYS must be no less than HEARTHGATE_REFRESH_TOKEN_SECONDS")
        return self

    @field_validator("contact_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        ContactKeys.from_text(value.get_secret_value())
        return value

    def lifetimes(self) -> Lifetimes:
        """How long tokens hold."""
        return Lifetimes(
            session_token=timedelta(seconds=self.session_token_seconds),
            refresh_token=timedelta(seconds=self.refresh_token_seconds),
        )
