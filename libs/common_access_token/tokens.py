"""Minting of Common Access Tokens, and the verification that a CDN does of them.

Everything is refused that is not understood: an edge that ignores a claim widens what the gateway granted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from libs.common_access_token.claims import Claims, Network, ReplayMode, decode_claims, encode_claims
from libs.common_access_token.cose import seal, unseal
from libs.common_access_token.encoding import MAX_CHARACTERS, decode_text, encode_text
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.keys import MintingKey, VerificationKey
from libs.common_access_token.uris import uri_matches


class Replay(Protocol):
    """The memory of tokens that may not be used at will (``catreplay`` 1 and 2)."""

    async def __call__(self, claims: Claims) -> bool:
        """Note a use of the token, known by issuer and id, and say whether it may be; raise where that fails."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What is accepted, whatever the request: issuers, the verifier's own name, and how far clocks may differ."""

    issuers: frozenset[str]
    audience: str | None = None
    leeway: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the holder of a token asks for; None is what the verifier does not know.

    ``uri`` is the one requested, without the parameter that carried the token. ``subdivision`` is an ISO 3166-2 code.
    """

    uri: str = field(repr=False)
    method: str
    address: IPv4Address | IPv6Address | None = field(default=None, repr=False)
    autonomous_system: int | None = None
    country: str | None = None
    subdivision: str | None = None


def mint(claims: Claims, key: MintingKey) -> str:
    """The token as text, the same for the same claims and key. Raises ValueError for claims that would be refused."""
    text = encode_text(seal(encode_claims(claims), key))
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"a token has at most {MAX_CHARACTERS} characters")
    return text


class Verifier:
    """Accepts the tokens of its keys, each with its one algorithm, for the requests that they are for."""

    def __init__(self, keys: Iterable[VerificationKey], *, policy: Policy, replay: Replay | None = None) -> None:
        self._keys: dict[bytes, VerificationKey] = {}
        for key in keys:
            if self._keys.setdefault(key.kid, key) is not key:
                raise ValueError("two keys of one kid")
        self._policy = policy
        self._replay = replay

    def read(self, text: str) -> Claims:
        """What an authentic token says, whether it holds now and for whomever or not. Raises CatError."""
        return decode_claims(unseal(decode_text(text), self._keys))

    async def verify(self, text: str, request: Request, *, now: datetime) -> Claims:
        """What a token says that allows the request. Raises CatError, and whatever the memory of replays raises."""
        claims = self.read(text)
        _check_time(claims, now=now, leeway=self._policy.leeway)
        _check_parties(claims, self._policy)
        _check_request(claims, request)
        # Last: what is refused anyway uses no token up.
        await self._check_replay(claims)
        return claims

    async def _check_replay(self, claims: Claims) -> None:
        if claims.replay in (None, ReplayMode.PERMITTED):
            return
        if self._replay is None:
            raise CatError(Reason.REPLAY_UNCHECKED)
        if claims.token_id is None:
            raise CatError(Reason.MISSING_CLAIM, "cti")
        if not await self._replay(claims):
            raise CatError(Reason.REPLAYED)


def _check_time(claims: Claims, *, now: datetime, leeway: timedelta) -> None:
    if claims.expire_time is None:
        raise CatError(Reason.MISSING_CLAIM, "exp")
    if now - leeway >= claims.expire_time:
        raise CatError(Reason.EXPIRED)
    if claims.not_before is not None and now + leeway < claims.not_before:
        raise CatError(Reason.NOT_YET_VALID)


def _check_parties(claims: Claims, policy: Policy) -> None:
    if claims.issuer not in policy.issuers:
        raise CatError(Reason.FOREIGN_ISSUER)
    # Without a name of its own a verifier is in nobody's audience (RFC 8392, 3.1.3).
    if (policy.audience is not None or claims.audience is not None) and policy.audience not in (claims.audience or ()):
        raise CatError(Reason.FOREIGN_AUDIENCE)


def _check_request(claims: Claims, request: Request) -> None:
    if claims.uri is not None and not uri_matches(claims.uri, request.uri):
        raise CatError(Reason.URI_NOT_MATCHED)
    if claims.methods is not None and request.method not in claims.methods:
        raise CatError(Reason.METHOD_NOT_LISTED)
    if claims.countries is not None and {request.country, request.subdivision}.isdisjoint(claims.countries):
        raise CatError(Reason.COUNTRY_NOT_LISTED)
    if claims.networks is not None and not any(_holds(network, request) for network in claims.networks):
        raise CatError(Reason.NETWORK_NOT_LISTED)


def _holds(network: Network, request: Request) -> bool:
    if isinstance(network, int):
        return request.autonomous_system == network
    address = request.address
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is not None and address in network
