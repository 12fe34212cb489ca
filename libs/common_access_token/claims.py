"""Claims of a Common Access Token, and how they are written.

Numbers: IANA's registry of CWT claims, where RFC 8392 has 1 to 7 and CTA-5007 308 to 323, as the open implementations
have them too (Eyevinn's node-cat, MIT; the crate common-access-token, MIT). The encodings of the values are theirs; of
``catnip`` it is that of node-cat and of Akamai's EdgeWorkers module: numbers of autonomous systems, and addresses and
prefixes under the tags of RFC 9164. Akamai's module of 2024 has older numbers (267 to 283): such a token is refused for
want of claims, not taken for another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network, ip_network
from typing import Any, Final, TypeAlias

from libs.common_access_token.encoding import (
    decode_cbor,
    encode_cbor,
    read_array,
    read_bytes,
    read_integer,
    read_map,
    read_text,
    read_texts,
)
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.renewal import Renewal, read_renewal, write_renewal
from libs.common_access_token.uris import UriRule, read_uri_rules, write_uri_rules

VERSION: Final = 1
_MAX_SYSTEM: Final = 2**32 - 1
Network: TypeAlias = IPv4Network | IPv6Network | int
"""A prefix, or the number of an autonomous system."""


class Claim(IntEnum):
    """The number of a claim that is understood."""

    ISS = 1
    SUB = 2
    AUD = 3
    EXP = 4
    NBF = 5
    IAT = 6
    CTI = 7
    CATREPLAY = 308
    CATV = 310
    CATNIP = 311
    CATU = 312
    CATM = 313
    CATGEOISO3166 = 316
    CATR = 323


# They restrict a token, and nobody here could say whether it is kept to: proof of possession (cnf), a geohash, and
# whatever else CTA-5007 and the drafts beside it number up to 327. RFC 8392 has other unknown claims ignored.
_RESTRICTING: Final = frozenset({8, 282, *range(308, 328)})


class ReplayMode(IntEnum):
    """What ``catreplay`` says of a second use."""

    PERMITTED = 0
    PROHIBITED = 1
    REUSE_DETECTION = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a token says; None is a claim that it does not have, and an empty list one that nothing meets.

    Times are whole seconds. ``other`` has the claims that are not understood and restrict nothing.
    """

    issuer: str | None = None
    subject: str | None = None
    audience: tuple[str, ...] | None = None
    expire_time: datetime | None = None
    not_before: datetime | None = None
    issue_time: datetime | None = None
    token_id: bytes | None = None
    replay: ReplayMode | None = None
    networks: tuple[Network, ...] | None = None
    uri: tuple[UriRule, ...] | None = None
    methods: tuple[str, ...] | None = None
    countries: tuple[str, ...] | None = None
    """ISO 3166-1 alpha-2 codes (``FR``) or ISO 3166-2 codes (``US-NY``)."""
    renewal: Renewal | None = None
    other: Mapping[int | str, object] = field(default_factory=dict)


def encode_claims(claims: Claims) -> bytes:
    """The claims as a CWT has them, with ``catv`` 1. Raises ValueError for some that ``decode_claims`` would refuse."""
    content: dict[int | str, object] = {**claims.other, int(Claim.CATV): VERSION}
    for claim, form in _FORMS.items():
        value = getattr(claims, form.name)
        if value is not None:
            content[int(claim)] = form.write(value)
    payload = encode_cbor(content)
    try:
        decode_claims(payload)
    except CatError as error:
        raise ValueError(f"claims that would be refused: {error}") from None
    return payload


def decode_claims(payload: bytes) -> Claims:
    """The claims of a CWT. Raises CatError for a form that is not theirs, and for unknown ones that restrict."""
    content = dict(read_map(decode_cbor(payload), "claims"))
    version = content.pop(Claim.CATV, VERSION)
    if type(version) is not int or version != VERSION:
        raise CatError(Reason.UNKNOWN_VERSION)
    fields: dict[str, Any] = {}
    other: dict[int | str, object] = {}
    for number, value in content.items():
        form = _FORMS.get(number)
        if form is not None:
            fields[form.name] = form.read(value, form.claim)
        elif number in _RESTRICTING:
            raise CatError(Reason.UNKNOWN_CLAIM, f"claim {number}")
        else:
            other[number] = value
    return Claims(**fields, other=other)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    claim: str
    name: str
    read: Callable[[object, str], object]
    write: Callable[[Any], object]


def _same(value: object) -> object:
    return value


def _read_time(value: object, what: str) -> datetime:
    # A NumericDate may have a fraction, and none has a tag (RFC 8392, 2).
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CatError(Reason.MALFORMED, what)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise CatError(Reason.MALFORMED, what) from None


def _write_time(time: datetime) -> int:
    if time.microsecond:
        raise ValueError("a time of a token is a whole second")
    return int(time.timestamp())


def _read_audience(value: object, what: str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else read_texts(value, what)


def _write_audience(audience: tuple[str, ...]) -> object:
    return audience[0] if len(audience) == 1 else list(audience)


def _read_replay(value: object, what: str) -> ReplayMode:
    try:
        return ReplayMode(read_integer(value, what))
    except ValueError:
        raise CatError(Reason.MALFORMED, what) from None


def _read_networks(value: object, what: str) -> tuple[Network, ...]:
    return tuple(_read_network(item, what) for item in read_array(value, what))


def _read_network(value: object, what: str) -> Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    # RFC 9164 has addresses with a prefix of their own as well; to Python they are addresses.
    if isinstance(value, IPv4Interface | IPv6Interface) or getattr(value, "scope_id", None) is not None:
        raise CatError(Reason.MALFORMED, what)
    if isinstance(value, IPv4Address | IPv6Address):
        return ip_network(value)
    number = read_integer(value, what)
    if not 0 <= number <= _MAX_SYSTEM:
        raise CatError(Reason.MALFORMED, what)
    return number


def _write_networks(networks: Iterable[Network]) -> list[object]:
    return [_write_network(network) for network in networks]


def _write_network(network: Network) -> object:
    if isinstance(network, int) or network.prefixlen < network.max_prefixlen:
        return network
    return network.network_address


_FORMS: Final[Mapping[int | str, _Form]] = {
    Claim.ISS: _Form(claim="iss", name="issuer", read=read_text, write=_same),
    Claim.SUB: _Form(claim="sub", name="subject", read=read_text, write=_same),
    Claim.AUD: _Form(claim="aud", name="audience", read=_read_audience, write=_write_audience),
    Claim.EXP: _Form(claim="exp", name="expire_time", read=_read_time, write=_write_time),
    Claim.NBF: _Form(claim="nbf", name="not_before", read=_read_time, write=_write_time),
    Claim.IAT: _Form(claim="iat", name="issue_time", read=_read_time, write=_write_time),
    Claim.CTI: _Form(claim="cti", name="token_id", read=read_bytes, write=_same),
    Claim.CATREPLAY: _Form(claim="catreplay", name="replay", read=_read_replay, write=int),
    Claim.CATNIP: _Form(claim="catnip", name="networks", read=_read_networks, write=_write_networks),
    Claim.CATU: _Form(claim="catu", name="uri", read=read_uri_rules, write=write_uri_rules),
    Claim.CATM: _Form(claim="catm", name="methods", read=read_texts, write=list),
    Claim.CATGEOISO3166: _Form(claim="catgeoiso3166", name="countries", read=read_texts, write=list),
    Claim.CATR: _Form(claim="catr", name="renewal", read=read_renewal, write=write_renewal),
}
