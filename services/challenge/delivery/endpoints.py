"""Where the providers are, read from URLs; an error names the setting and never repeats the URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.challenge.delivery.gsm7 import encode_gsm7
from services.challenge.delivery.url_parts import credentials, host_of, is_loopback, port_of, split_url

# What SMPP 3.4 leaves room for, without the closing NUL; the driver panics on longer ones.
_MAX_SYSTEM_ID: Final = 15
_MAX_SMPP_PASSWORD: Final = 8
_MAX_ALPHANUMERIC_SOURCE: Final = 11
_MAX_NUMERIC_SOURCE: Final = 15


class SmtpSecurity(StrEnum):
    """How a connection to the mail server is encrypted."""

    TLS = "tls"
    STARTTLS_REQUIRED = "required"
    STARTTLS_AUTO = "auto"
    OFF = "off"


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpEndpoint:
    """A mail server; the repr hides user and password."""

    host: str
    port: int
    security: SmtpSecurity
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmppEndpoint:
    """An SMSC and who we are to it; the repr hides system id and password. ``source`` is what the phone shows."""

    host: str
    port: int
    tls: bool
    source: str
    system_id: str = field(repr=False)
    password: str = field(repr=False)


def parse_smtp_url(url: str, *, setting: str = "HEARTHGATE_SMTP_URL") -> SmtpEndpoint:
    """Read ``smtp://user:pw@host:port?starttls=auto|required|off`` or ``smtps://user:pw@host:port``.

    Without ``starttls`` it is ``required`` where a password would leave this machine, else ``auto``.
    Raises ``ValueError`` naming ``setting``.
    """
    parts, options = split_url(url, setting, schemes=("smtp", "smtps"), known_options={"starttls"})
    implicit = parts.scheme == "smtps"
    if implicit and options:
        raise ValueError(f"{setting}: smtps is encrypted from the start and takes no starttls option")
    username, password = credentials(parts)
    if (username is None) != (password is None):
        raise ValueError(f"{setting}: user and password belong together")
    host = host_of(parts, setting)
    default = SmtpSecurity.STARTTLS_REQUIRED if password and not is_loopback(host) else SmtpSecurity.STARTTLS_AUTO
    return SmtpEndpoint(
        host=host,
        port=port_of(parts, setting) or (465 if implicit else 587 if username else 25),
        security=SmtpSecurity.TLS if implicit else _starttls(options.get("starttls", default), setting),
        username=username,
        password=password,
    )


def parse_smpp_url(url: str, *, setting: str = "HEARTHGATE_TEXT_URL") -> SmppEndpoint:
    """Read ``smpp://system_id:password@host:port?source=Hearthgate``; ``smpps://`` is the same over TLS.

    Raises ``ValueError`` naming ``setting``.
    """
    parts, options = split_url(url, setting, schemes=("smpp", "smpps"), known_options={"source"})
    system_id, password = credentials(parts)
    if system_id is None or not 1 <= len(system_id) <= _MAX_SYSTEM_ID or not system_id.isascii():
        raise ValueError(f"{setting}: the system id must have 1 to {_MAX_SYSTEM_ID} ASCII characters")
    if password is None or len(password) > _MAX_SMPP_PASSWORD or not password.isascii():
        raise ValueError(f"{setting}: a password of at most {_MAX_SMPP_PASSWORD} ASCII characters is needed")
    source = options.get("source", "Hearthgate")
    if not _is_source(source):
        raise ValueError(f"{setting}: the source must be a number or at most 11 GSM characters")
    return SmppEndpoint(
        host=host_of(parts, setting),
        port=port_of(parts, setting) or (3550 if parts.scheme == "smpps" else 2775),
        tls=parts.scheme == "smpps",
        source=source,
        system_id=system_id,
        password=password,
    )


def _starttls(value: str, setting: str) -> SmtpSecurity:
    if value not in (SmtpSecurity.STARTTLS_REQUIRED, SmtpSecurity.STARTTLS_AUTO, SmtpSecurity.OFF):
        raise ValueError(f"{setting}: starttls must be auto, required or off")
    return SmtpSecurity(value)


def _is_source(source: str) -> bool:
    if source.removeprefix("+").isdecimal() and source.isascii():
        return len(source.removeprefix("+")) <= _MAX_NUMERIC_SOURCE
    return 1 <= len(source) <= _MAX_ALPHANUMERIC_SOURCE and source.isascii() and encode_gsm7(source) is not None
