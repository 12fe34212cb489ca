"""Where the providers are, read from URLs; an error names the setting and never repeats the URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from services.challenge.delivery.gsm7 import encode_gsm7
from services.challenge.delivery.smpp_receipts import IdForm, MessageIdForms

# What SMPP 3.4 leaves room for, without the closing NUL; the driver panics on longer ones.
_MAX_SYSTEM_ID: Final = 15
_MAX_SMPP_PASSWORD: Final = 8
_MAX_ALPHANUMERIC_SOURCE: Final = 11
_MAX_NUMERIC_SOURCE: Final = 15
_SID_LENGTH: Final = 34
# A number, a short code, a messaging service's sid, or a name with at least one letter.
_HTTP_SENDER: Final = re.compile(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[A-Za-z0-9]{32}|(?=[A-Za-z0-9 ]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ]{0,10}"
)
_ID_FORMS: Final = {
    "same": MessageIdForms(),
    "decimal": MessageIdForms(answer=IdForm.HEXADECIMAL, text=IdForm.DECIMAL),
    "hex": MessageIdForms(answer=IdForm.DECIMAL, text=IdForm.HEXADECIMAL),
}


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
    id_forms: MessageIdForms = field(default_factory=MessageIdForms)
    system_id: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpTextEndpoint:
    """A text provider over HTTP and who we are to it; the repr hides account and token.

    ``sender_field`` is ``From`` for a number or name, ``MessagingServiceSid`` for a pool of them.
    """

    base_url: str
    sender: str
    callback: str
    account_sid: str = field(repr=False)
    auth_token: str = field(repr=False)

    @property
    def sender_field(self) -> str:
        """The form field that the sender goes into."""
        return "MessagingServiceSid" if self.sender.startswith("MG") and len(self.sender) == _SID_LENGTH else "From"


def parse_text_url(url: str, *, setting: str = "HEARTHGATE_TEXT_URL") -> SmppEndpoint | HttpTextEndpoint:
    """Read an SMPP URL, or one that begins with ``twilio+https://``. Raises ``ValueError`` naming ``setting``."""
    if url.strip().startswith("twilio+"):
        return parse_http_text_url(url, setting=setting)
    if not url.strip().startswith(("smpp:", "smpps:")):
        raise ValueError(f"{setting}: must begin with smpp://, smpps:// or twilio+https://")
    return parse_smpp_url(url, setting=setting)


def parse_http_text_url(url: str, *, setting: str = "HEARTHGATE_TEXT_URL") -> HttpTextEndpoint:
    """Read ``twilio+https://SID:TOKEN@host?from=%2B1…&callback=https%3A%2F%2F…``; ``twilio+http`` on loopback only.

    ``callback`` is where the provider reports to, and may be left out. Raises ``ValueError`` naming ``setting``.
    """
    schemes = ("twilio+https", "twilio+http")
    parts, options = _split(url, setting, schemes=schemes, known_options={"from", "callback"})
    sid, token = _credentials(parts)
    if not sid or not token or not re.fullmatch(r"[A-Za-z0-9]{2,64}", sid):
        raise ValueError(f"{setting}: an account sid, of letters and digits, and a token are needed")
    if not _HTTP_SENDER.fullmatch(options.get("from", "")):
        raise ValueError(
            f"{setting}: the option from is needed: a number (its + as %2B), a name of at most 11 letters and digits, "
            "or a messaging service's sid"
        )
    host, port = _host(parts, setting), _port(parts, setting)
    if parts.scheme == "twilio+http" and not _is_loopback(host):
        raise ValueError(f"{setting}: twilio+http is for this machine alone; use twilio+https")
    callback = options.get("callback", "")
    if callback and not _is_callback(callback):
        raise ValueError(f"{setting}: the callback must be a URL that begins with https://, percent-encoded")
    shown_host = f"[{host}]" if ":" in host else host
    return HttpTextEndpoint(
        base_url=f"{parts.scheme.removeprefix('twilio+')}://{shown_host}" + (f":{port}" if port else ""),
        sender=options["from"],
        callback=callback,
        account_sid=sid,
        auth_token=token,
    )


def parse_smtp_url(url: str, *, setting: str = "HEARTHGATE_SMTP_URL") -> SmtpEndpoint:
    """Read ``smtp://user:pw@host:port?starttls=auto|required|off`` or ``smtps://user:pw@host:port``.

    Without ``starttls`` it is ``required`` where a password would leave this machine, else ``auto``.
    Raises ``ValueError`` naming ``setting``.
    """
    parts, options = _split(url, setting, schemes=("smtp", "smtps"), known_options={"starttls"})
    implicit = parts.scheme == "smtps"
    if implicit and options:
        raise ValueError(f"{setting}: smtps is encrypted from the start and takes no starttls option")
    username, password = _credentials(parts)
    if (username is None) != (password is None):
        raise ValueError(f"{setting}: user and password belong together")
    host = _host(parts, setting)
    default = SmtpSecurity.STARTTLS_REQUIRED if password and not _is_loopback(host) else SmtpSecurity.STARTTLS_AUTO
    return SmtpEndpoint(
        host=host,
        port=_port(parts, setting) or (465 if implicit else 587 if username else 25),
        security=SmtpSecurity.TLS if implicit else _starttls(options.get("starttls", default), setting),
        username=username,
        password=password,
    )


def parse_smpp_url(url: str, *, setting: str = "HEARTHGATE_TEXT_URL") -> SmppEndpoint:
    """Read ``smpp://system_id:password@host:port?source=Hearthgate``; ``smpps://`` is the same over TLS.

    With ``receipt_ids=decimal`` (or ``hex``) the text of a receipt names in decimal (hexadecimal) what the submit was
    answered with in the other.
    Raises ``ValueError`` naming ``setting``.
    """
    parts, options = _split(url, setting, schemes=("smpp", "smpps"), known_options={"source", "receipt_ids"})
    system_id, password = _credentials(parts)
    if system_id is None or not 1 <= len(system_id) <= _MAX_SYSTEM_ID or not system_id.isascii():
        raise ValueError(f"{setting}: the system id must have 1 to {_MAX_SYSTEM_ID} ASCII characters")
    if password is None or len(password) > _MAX_SMPP_PASSWORD or not password.isascii():
        raise ValueError(f"{setting}: a password of at most {_MAX_SMPP_PASSWORD} ASCII characters is needed")
    source = options.get("source", "Hearthgate")
    if not _is_source(source):
        raise ValueError(f"{setting}: the source must be a number or at most 11 GSM characters")
    id_forms = _ID_FORMS.get(options.get("receipt_ids", "same"))
    if id_forms is None:
        raise ValueError(f"{setting}: receipt_ids must be same, decimal or hex")
    return SmppEndpoint(
        host=_host(parts, setting),
        port=_port(parts, setting) or (3550 if parts.scheme == "smpps" else 2775),
        tls=parts.scheme == "smpps",
        source=source,
        id_forms=id_forms,
        system_id=system_id,
        password=password,
    )


def _split(
    url: str, setting: str, *, schemes: tuple[str, str], known_options: set[str]
) -> tuple[SplitResult, dict[str, str]]:
    try:
        parts = urlsplit(url.strip())
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        # Its own text may repeat a part of the URL.
        raise ValueError(f"{setting}: not a URL") from None
    if parts.scheme not in schemes:
        raise ValueError(f"{setting}: must begin with {schemes[0]}:// or {schemes[1]}://")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"{setting}: takes no path; percent-encode special characters of user and password")
    options = dict(pairs)
    if not options.keys() <= known_options:
        raise ValueError(f"{setting}: knows only the options {', '.join(sorted(known_options))}")
    if len(options) < len(pairs):
        raise ValueError(f"{setting}: an option stands in it twice")
    return parts, options


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    username, password = parts.username or None, parts.password
    return (
        None if username is None else unquote(username),
        None if password is None else unquote(password),
    )


def _host(parts: SplitResult, setting: str) -> str:
    if not parts.hostname:
        raise ValueError(f"{setting}: the host is missing")
    return parts.hostname


def _port(parts: SplitResult, setting: str) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError(f"{setting}: the port must be a number up to 65535") from None


def _starttls(value: str, setting: str) -> SmtpSecurity:
    if value not in (SmtpSecurity.STARTTLS_REQUIRED, SmtpSecurity.STARTTLS_AUTO, SmtpSecurity.OFF):
        raise ValueError(f"{setting}: starttls must be auto, required or off")
    return SmtpSecurity(value)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_callback(url: str) -> bool:
    """Whether a provider can report there; without encryption only on this machine, since it tells who was sent to."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_source(source: str) -> bool:
    if source.removeprefix("+").isdecimal() and source.isascii():
        return len(source.removeprefix("+")) <= _MAX_NUMERIC_SOURCE
    return 1 <= len(source) <= _MAX_ALPHANUMERIC_SOURCE and source.isascii() and encode_gsm7(source) is not None
