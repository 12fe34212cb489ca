"""The parts of a provider's URL; an error names the setting and never repeats the URL."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit


def split_url(
    url: str, setting: str, *, schemes: tuple[str, ...], known_options: set[str]
) -> tuple[SplitResult, dict[str, str]]:
    """The URL's parts and its query's options, each at most once. Raises ``ValueError``."""
    try:
        parts = urlsplit(url.strip())
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        # Its own text may repeat a part of the URL.
        raise ValueError(f"{setting}: not a URL") from None
    options = dict(pairs)
    if parts.scheme not in schemes:
        raise ValueError(f"{setting}: must begin with {' or '.join(f'{each}://' for each in schemes)}")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"{setting}: takes no path; percent-encode special characters of user and password")
    if not options.keys() <= known_options:
        raise ValueError(f"{setting}: knows only the options {', '.join(sorted(known_options))}")
    if len(options) < len(pairs):
        raise ValueError(f"{setting}: an option stands in it twice")
    return parts, options


def credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    """User and password, decoded; None for one that is not there."""
    username, password = parts.username or None, parts.password
    return (
        None if username is None else unquote(username),
        None if password is None else unquote(password),
    )


def host_of(parts: SplitResult, setting: str) -> str:
    """The host. Raises ``ValueError`` where there is none."""
    if not parts.hostname:
        raise ValueError(f"{setting}: the host is missing")
    return parts.hostname


def port_of(parts: SplitResult, setting: str) -> int | None:
    """The port, None where there is none. Raises ``ValueError``."""
    try:
        return parts.port
    except ValueError:
        raise ValueError(f"{setting}: the port must be a number up to 65535") from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
