"""What never reaches a log: found by a field's name, and by pattern inside of texts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence, Set
from datetime import date, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

REDACTED: Final = "[redacted]"
_MAX_DEPTH: Final = 6

_SECRET_WORD: Final = re.compile(
    "password|passwd|passphrase|secrets?|tokens?|authorization|credentials?|cookie|dsn|otp|emails?|mail|phones?|msisdn"
    "|recipient|destination|passport|grant|codes?|ip|address|addresses|keys?"
)
# Names that hold one of the words above and nothing personal or secret.
_HARMLESS_KEY: Final = re.compile(
    "(listen|metrics|server)_address|(rpc_)?(grpc_|response_)?status_code|(grpc|exit|return|error|reason|country)_code"
    "|fencing_token|idempotency_key"
)
# Written by the logging itself; their values are fixed words, times or ids.
_OWN_KEYS: Final = frozenset({"timestamp", "level", "service", "logger", "trace_id", "span_id"})

_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_URL_PASSWORD: Final = re.compile(r"://[^/\s@]*@")
_EMAIL: Final = re.compile(r"(?:\"[^\"\n]*\"|[^\s@\"<>(),;:\\\[\]]+)@(?:\[[^\]\s]*\]|[\w-]+(?:\.[\w-]+)*)")
_PHONE: Final = re.compile(r"\+[1-9](?:[ ().\-/]{0,2}\d){6,14}")
_TOKEN: Final = re.compile(r"hg[sr]1\.[0-9a-fA-F]{32}\.[\w-]+|eyJ[\w-]+\.[\w-]+\.[\w-]*|\b[Bb]earer +[^\s\"',]+")
_IPV4: Final = re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:.]{2,}")


def redact_text(text: str) -> str:
    """The text without email addresses, E.164 phone numbers, tokens, passwords in URLs, and IP addresses.

    Loopback and unspecified addresses stay: they say where a server listens, and nothing about a person.
    """
    if "@" in text:
        text = _EMAIL.sub(REDACTED, _URL_PASSWORD.sub(f"://{REDACTED}@", text))
    if "+" in text:
        text = _PHONE.sub(REDACTED, text)
    text = _TOKEN.sub(REDACTED, text)
    if "." in text:
        text = _IPV4.sub(_hide_ipv4, text)
    if text.count(":") > 1:
        # gRPC writes an IPv6 peer with its brackets percent-encoded.
        text = _IPV6.sub(_hide_ipv6, text.replace("%5B", "[").replace("%5D", "]"))
    return text


def redact_value(key: str, value: Any, depth: int = 0) -> Any:
    """The value as it may be logged under a key. Objects of unknown types are reduced to the type's name."""
    if key in _OWN_KEYS or value is None or isinstance(value, bool):
        return value
    if is_secret_key(key) and not isinstance(value, Enum):
        return REDACTED
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping | Sequence | Set) and not isinstance(value, str | bytes | bytearray):
        return _redact_collection(key, value, depth)
    return _as_text(value)


def is_secret_key(key: str) -> bool:
    """Whether a field of this name is hidden whatever it holds."""
    name = key.replace(".", "_").replace("-", "_")
    if _HARMLESS_KEY.fullmatch(name.lower()):
        return False
    return any(_SECRET_WORD.fullmatch(word.lower()) for word in _WORD.findall(name))


def _redact_collection(key: str, value: Any, depth: int) -> Any:
    if depth >= _MAX_DEPTH:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {redact_text(str(k)): redact_value(str(k), v, depth + 1) for k, v in value.items()}
    return [redact_value(key, item, depth + 1) for item in value]


def _as_text(value: Any) -> str:
    if isinstance(value, str | PurePath | BaseException):
        return redact_text(str(value))
    if isinstance(value, UUID | date | timedelta | Enum):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return f"<{type(value).__name__}>"


def _hide_ipv4(match: re.Match[str]) -> str:
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return REDACTED
    return match[0] if address.is_loopback or address.is_unspecified else REDACTED


def _hide_ipv6(match: re.Match[str]) -> str:
    text = match[0]
    if text.count(":") < 2:
        return text
    for candidate in (text, text.rstrip("."), text.rstrip(".:"), text.lstrip(":")):
        try:
            address = ipaddress.IPv6Address(candidate)
        except ValueError:
            continue
        return text if address.is_loopback or address.is_unspecified else REDACTED
    # Hex digits glued to an address keep it from parsing: rather lose a harmless text than show an address.
    return REDACTED if len(text.strip(":.")) > 4 and ("::" in text or text.count(":") > 4) else text
