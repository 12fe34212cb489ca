"""Settings of the identity service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from libs.runtime.settings import ServiceSettings
from services.identity.contact_keys import ContactKeys
from services.identity.domain.session import Lifetimes
from services.identity.known_passwords import ListError, check_list


class IdentitySettings(ServiceSettings):
    """What the identity service is told, each under ``HEARTHGATE_`` and its name."""

    contact_keys: SecretStr
    """Keys that protect addresses and numbers: ``label:base64url of 32 bytes``, commas between, the first one seals."""
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
    password_niceness: int = Field(default=0, ge=0, le=19)
    """How far the hashing processes stand back where the processors are short. Our choice, measured: not at all; from 5
    on sign-ins starved on a busy machine and starts were no faster for it (decision 0015)."""
    breached_passwords_file: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = None
    """An operator's list: lines ``SHA1HEX:count`` of Have I Been Pwned, or words. Default: the shipped one."""
    brand: str = Field(default="Hearthgate", min_length=1, max_length=40)
    """The service's name: no password is made of it alone (NIST SP 800-63B-4: context-specific words)."""
    default_plan_id: str = Field(default="standard", pattern=r"^[a-z0-9-]{1,32}$")
    """The plan of an account that names none."""
    max_profiles: int = Field(default=5, ge=1, le=100)
    """Profiles an account may have. Netflix help: 5."""

    @field_validator("contact_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        ContactKeys.from_text(value.get_secret_value())
        return value

    @field_validator("breached_passwords_file")
    @classmethod
    def _is_list(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                check_list(value)
            except OSError as error:
                raise ValueError(f"cannot be read: {error.strerror}") from None
            except ListError as error:
                raise ValueError(str(error)) from None
        return value

    def lifetimes(self) -> Lifetimes:
        """How long tokens hold."""
        return Lifetimes(
            session_token=timedelta(seconds=self.session_token_seconds),
            refresh_token=timedelta(seconds=self.refresh_token_seconds),
        )
