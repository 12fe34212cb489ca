"""Where a text provider over HTTP is, read from a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from services.challenge.delivery.endpoints import SmppEndpoint, parse_smpp_url
from services.challenge.delivery.url_parts import credentials, host_of, is_loopback, port_of, split_url

_SCHEMES: Final = ("twilio+https", "twilio+http")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SERVICE: Final = re.compile(r"MG[A-Za-z0-9]{1,64}")
# A number, a short code, or letters and digits with at least one letter.
_FROM: Final = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpTextEndpoint:
    """A provider that speaks Twilio's Messages API; the repr hides account and token.

    One of ``source`` (what the phone shows) and ``service`` (a MessagingServiceSid) is set. ``callback`` is where the
    provider reports what became of a text, "" for nowhere.
    """

    origin: str
    account: str = field(repr=False)
    token: str = field(repr=False)
    source: str = ""
    service: str = ""
    callback: str = ""


def parse_text_url(url: str, *, setting: str = "HEARTHGATE_TEXT_URL") -> SmppEndpoint | HttpTextEndpoint:
    """Read the URL of a text provider, whichever it speaks. Raises ``ValueError`` naming ``setting``."""
    if url.strip().startswith("twilio+"):
        return parse_http_text_url(url, setting=setting)
    if url.strip().startswith(("smpp:", "smpps:")):
        return parse_smpp_url(url, setting=setting)
    raise ValueError(f"{setting}: must begin with smpp://, smpps://, {_SCHEMES[0]}:// or {_SCHEMES[1]}://")


def parse_http_text_url(url: str, *, setting: str = "HEARTHGATE_TEXT_URL") -> HttpTextEndpoint:
    """Read ``twilio+https://SID:TOKEN@host/?from=%2B15550001111&callback=https%3A%2F%2F…``.

    ``service=MG…`` takes the place of ``from``; ``twilio+http`` is for loopback alone. Raises ``ValueError``.
    """
    parts, options = split_url(url, setting, schemes=_SCHEMES, known_options={"from", "service", "callback"})
    account, token = credentials(parts)
    if not account or not token or not _ACCOUNT.fullmatch(account) or not token.isascii():
        raise ValueError(f"{setting}: an account and its token are needed, SID:TOKEN@")
    host, port = host_of(parts, setting), port_of(parts, setting)
    scheme = parts.scheme.removeprefix("twilio+")
    if scheme == "http" and not is_loopback(host):
        raise ValueError(f"{setting}: without encryption it may only be on loopback")
    source, service = options.get("from", ""), options.get("service", "")
    _check_source(source, service, setting)
    callback = options.get("callback", "")
    if callback and not _is_callback(callback):
        raise ValueError(f"{setting}: the callback must be an https URL, percent-encoded")
    name = f"[{host}]" if ":" in host else host
    return HttpTextEndpoint(
        origin=f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}",
        account=account,
        token=token,
        source=source,
        service=service,
        callback=callback,
    )


def _check_source(source: str, service: str, setting: str) -> None:
    if bool(source) == bool(service):
        raise ValueError(f"{setting}: needs one of the options from and service")
    if source and not _FROM.fullmatch(source):
        raise ValueError(f"{setting}: from must be a number (with %2B), a short code or at most 11 letters and digits")
    if service and not _SERVICE.fullmatch(service):
        raise ValueError(f"{setting}: service must be a MessagingServiceSid, MG…")


def _is_callback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.fragment or parts.username or not url.isascii() or any(each <= " " for each in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
