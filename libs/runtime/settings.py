"""Settings of a service: read from the environment once, validated, frozen."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

EX_CONFIG: Final = 78
"""The exit code of sysexits.h for a configuration error."""

_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+):(\d{1,5})", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNDECODABLE: Final = re.compile(r'field "([^"]+)"')


class DatabaseSettings(BaseSettings):
    """What everything is told that works on a service's database: the service itself, and jobs beside it.

    ``HEARTHGATE_`` goes before each name. The text of a validator's error is printed at start, so it must never repeat
    the value.
    """

    model_config = SettingsConfigDict(env_prefix="HEARTHGATE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr
    """The DSN of the service's own database, with its app role."""
    database_pool_size: int = Field(default=8, ge=1, le=200)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("database_url")
    @classmethod
    def _is_dsn(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must be a DSN that begins with postgresql://")
        return value


class ServiceSettings(DatabaseSettings):
    """What every service is told. A service adds its own fields in a subclass."""

    listen_address: str = "127.0.0.1:0"
    """host:port on which the gRPC server listens; port 0 takes a free one."""
    callers: dict[str, list[str]] = Field(default_factory=dict)
    """Caller name -> SHA-256 digests (hex) of its secrets; several while one is being rotated."""
    retention_loop: bool = True
    """Whether this process deletes what is past its retention; false where a scheduled job does (Kubernetes)."""
    metrics_address: str = ""
    """host:port of Prometheus' ``/metrics``; empty: off."""
    drain_seconds: float = Field(default=10, ge=0, le=600)
    """How long calls under way may last after SIGTERM."""
    default_deadline_seconds: float = Field(default=5, gt=0, le=300)
    """The deadline of a call that came without one."""
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    tls_client_ca_file: Path | None = None

    @field_validator("listen_address", "metrics_address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        match = _ADDRESS.fullmatch(value)
        if value and (match is None or int(match[1]) > 65535):
            raise ValueError("must be host:port")
        return value

    @field_validator("callers")
    @classmethod
    def _are_digests(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        if not all(_DIGEST.fullmatch(digest) for digests in value.values() for digest in digests):
            raise ValueError("each caller has a list of SHA-256 digests, 64 lower-case hex digits each")
        return value

    @model_validator(mode="after")
    def _tls_is_complete(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("HEARTHGATE_TLS_CERTIFICATE_FILE and HEARTHGATE_TLS_KEY_FILE go together")
        if self.tls_client_ca_file is not None and self.tls_certificate_file is None:
            raise ValueError("HEARTHGATE_TLS_CLIENT_CA_FILE needs HEARTHGATE_TLS_CERTIFICATE_FILE")
        return self


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load_settings(settings_type: type[SettingsT], **given: Any) -> SettingsT:
    """The settings that the environment holds; ``given`` goes before it.

    Where some are bad or missing: a line for each on stderr, naming the environment variable and never the
    value, then ``SystemExit(78)``.
    """
    try:
        return settings_type(**given)
    except ValidationError as error:
        _refuse(_problems(settings_type, error))
    except SettingsError as error:
        # Raised before validation, for the first field whose JSON does not parse.
        match = _UNDECODABLE.search(str(error))
        name = _variable(settings_type, match[1]) if match else "settings"
        _refuse(iter([f"{name}: must be valid JSON"]))


def _problems(settings_type: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = _variable(settings_type, str(problem["loc"][0])) if problem["loc"] else "settings"
        yield f"{name}: {problem['msg'].removeprefix('Value error, ')}"


def _variable(settings_type: type[BaseSettings], field: str) -> str:
    # A field with an alias is reported by its alias, which is the variable's whole name.
    prefix = settings_type.model_config.get("env_prefix", "") if field in settings_type.model_fields else ""
    return f"{prefix}{field}".upper()


def _refuse(problems: Iterator[str]) -> NoReturn:
    for problem in problems:
        print(problem, file=sys.stderr)
    raise SystemExit(EX_CONFIG)
