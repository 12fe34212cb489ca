"""What a ``catu`` claim demands of a URI, and how a URI is taken apart for it.

Numbers and encoding (a map of components, each a map of match types) are those of CTA-5007 as its open implementations
have them: Eyevinn's node-cat (MIT), the crate common-access-token (MIT), zig-common-access-token (MIT). Where they and
Akamai's EdgeWorkers module differ, this is what is done:

- *Several matches of a component*: all are demanded, as by the crate; node-cat looks at the first, Zig's at any.
- *Stem and extension* are divided at the last full stop, which belongs to the extension, as in the crate and Akamai's
  module; node-cat divides at the first one, and Zig's drops it.
- *Parent path* has no slash at its end, as everywhere but in Zig's.
- *Port* is empty where it is the scheme's own, as in node-cat and the crate; Akamai's module has 80 or 443.
- *Digests* are byte strings, as in the crate and Akamai's module; node-cat has hex. SHA-512/256 is that of FIPS 180-4;
  the crate cuts a SHA-512 off and node-cat leaves it whole, so prefer SHA-256.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256, SHA512_256, Hash, HashAlgorithm

from libs.common_access_token.encoding import read_bytes, read_map, read_text
from libs.common_access_token.errors import CatError, Reason

_DIGEST_BYTES: Final = 32
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ABSOLUTE: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?(?:[/?][!-~]*)?"
)
# What a cache or an origin decodes or resolves after a prefix was compared: dots, slash and backslash in disguise.
_DISGUISED: Final = re.compile(r"\\|%2e|%2f|%5c", re.IGNORECASE)


class UriComponent(IntEnum):
    """A part of a URI that a rule is about."""

    SCHEME = 0
    HOST = 1
    PORT = 2
    PATH = 3
    QUERY = 4
    PARENT_PATH = 5
    FILENAME = 6
    STEM = 7
    EXTENSION = 8


class MatchType(IntEnum):
    """How a part is compared."""

    EXACT = 0
    PREFIX = 1
    SUFFIX = 2
    CONTAINS = 3
    REGEX = 4
    """Known by name and refused: dialects differ, and some expressions take forever."""
    SHA256 = -1
    SHA512_256 = -2


_DIGESTS: Final[dict[MatchType, HashAlgorithm]] = {
    MatchType.SHA256: SHA256(),
    MatchType.SHA512_256: SHA512_256(),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class UriRule:
    """One demand: text to compare with, or the digest (32 bytes) of the whole component."""

    component: UriComponent
    match: MatchType
    value: str | bytes


def read_uri_rules(value: object, what: str) -> tuple[UriRule, ...]:
    """The rules of a ``catu`` claim. Raises CatError for one that is unknown or empty, and for a regular expression."""
    rules = [
        UriRule(component=component, match=match, value=_read_value(match, operand, what))
        for label, matches in _read_filled_map(value, what).items()
        for component in [_component(label)]
        for number, operand in _read_filled_map(matches, what).items()
        for match in [_match_type(number)]
    ]
    return tuple(rules)


def write_uri_rules(rules: Iterable[UriRule]) -> dict[int, dict[int, str | bytes]]:
    """The value of a ``catu`` claim. Raises ValueError for two rules of one kind: only one could be written."""
    claim: dict[int, dict[int, str | bytes]] = {}
    for rule in rules:
        matches = claim.setdefault(int(rule.component), {})
        if int(rule.match) in matches:
            raise ValueError(f"two rules {rule.match.name} for {rule.component.name}")
        matches[int(rule.match)] = rule.value
    return claim


def uri_matches(rules: Iterable[UriRule], uri: str) -> bool:
    """Whether the URI meets every rule; one that is not in normal form meets none."""
    try:
        components = uri_components(uri)
    except ValueError:
        return False
    return all(_rule_matches(rule, components[rule.component]) for rule in rules)


def uri_components(uri: str) -> dict[UriComponent, str]:
    """The parts of an absolute URI with a host, scheme and host in small letters.

    Raises ValueError for one that others may take apart differently: dot segments, encoded dots and slashes,
    backslashes, user information, a fragment, anything but visible ASCII.
    """
    if not _ABSOLUTE.fullmatch(uri) or "#" in uri:
        raise ValueError("not an absolute URI as a request has it")
    parts = urlsplit(uri)
    port = parts.port
    # Some origins cut a parameter off before they resolve: "..;" is ".." to them.
    segments = {segment.partition(";")[0] for segment in parts.path.split("/")}
    if _DISGUISED.search(parts.path) or not segments.isdisjoint({".", ".."}):
        raise ValueError("not a path in normal form")
    path = parts.path or "/"
    parent, _, filename = path.rpartition("/")
    stem, stop, extension = filename.rpartition(".")
    return {
        UriComponent.SCHEME: parts.scheme,
        UriComponent.HOST: parts.hostname or "",
        UriComponent.PORT: "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else str(port),
        UriComponent.PATH: path,
        UriComponent.QUERY: parts.query,
        UriComponent.PARENT_PATH: parent,
        UriComponent.FILENAME: filename,
        UriComponent.STEM: stem if stop else filename,
        UriComponent.EXTENSION: stop + extension if stop else "",
    }


def _component(label: int | str) -> UriComponent:
    try:
        return UriComponent(label)  # type: ignore[arg-type]  # a text is no member either
    except ValueError:
        raise CatError(Reason.UNKNOWN_URI_RULE, "component") from None


def _match_type(label: int | str) -> MatchType:
    if label == MatchType.REGEX:
        raise CatError(Reason.REGEX_REFUSED)
    try:
        return MatchType(label)  # type: ignore[arg-type]
    except ValueError:
        raise CatError(Reason.UNKNOWN_URI_RULE, "match type") from None


def _read_filled_map(value: object, what: str) -> Mapping[int | str, object]:
    # An empty one would demand nothing, which its writer hardly meant.
    content = read_map(value, what)
    if not content:
        raise CatError(Reason.MALFORMED, what)
    return content


def _read_value(match: MatchType, value: object, what: str) -> str | bytes:
    if match not in _DIGESTS:
        return read_text(value, what)
    digest = read_bytes(value, what)
    if len(digest) != _DIGEST_BYTES:
        raise CatError(Reason.MALFORMED, what)
    return digest


def _rule_matches(rule: UriRule, component: str) -> bool:
    if isinstance(rule.value, bytes):
        return rule.match in _DIGESTS and _digest(_DIGESTS[rule.match], component) == rule.value
    match rule.match:
        case MatchType.EXACT:
            return component == rule.value
        case MatchType.PREFIX:
            return component.startswith(rule.value)
        case MatchType.SUFFIX:
            return component.endswith(rule.value)
        case MatchType.CONTAINS:
            return rule.value in component
        case _:
            return False


def _digest(algorithm: HashAlgorithm, component: str) -> bytes:
    digest = Hash(algorithm)
    digest.update(component.encode())
    return digest.finalize()
