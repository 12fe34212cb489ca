"""Common Access Tokens: minted, verified for a request, and every reason to refuse one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from libs.common_access_token.claims import Claims, ReplayMode
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.keys import MintingKey, es256_key, hmac_key
from libs.common_access_token.renewal import Renewal, RenewalType
from libs.common_access_token.tokens import Policy, Request, Verifier, mint
from libs.common_access_token.uris import MatchType, UriComponent, UriRule
from tests.unit.common_access_token.cat_world import EDDSA, HMAC, KEYS, NOW, POLICY, REQUEST, claims, verifier


async def refused(
    said: Claims, request: Request = REQUEST, *, now: datetime = NOW, **changes: Any
) -> tuple[Reason, str]:
    """Why, and in what words."""
    with pytest.raises(CatError) as caught:
        await verifier(**changes).verify(mint(said, EDDSA), request, now=now)
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.verification.algorithm.name)
async def test_what_was_minted_is_verified_and_is_the_same_text_each_time(key: MintingKey) -> None:
    said = claims(
        renewal=Renewal(
            type=RenewalType.COOKIE,
            extension_seconds=300,
            deadline=60,
            cookie_name="cat",
            cookie_parameters=("Secure", "HttpOnly"),
        ),
        other={"device": "tv", 1000: (1, 2)},
    )
    text = mint(said, key)
    assert text == mint(said, key)
    assert await verifier().verify(text, REQUEST, now=NOW) == said
    assert "=" not in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expire_time": NOW}, Reason.EXPIRED),
        ({"expire_time": None}, Reason.MISSING_CLAIM),
        ({"not_before": NOW + timedelta(seconds=1)}, Reason.NOT_YET_VALID),
        ({"issuer": "somebody"}, Reason.FOREIGN_ISSUER),
        ({"issuer": None}, Reason.FOREIGN_ISSUER),
        ({"audience": ("cdn.other", "origin")}, Reason.FOREIGN_AUDIENCE),
        ({"audience": None}, Reason.FOREIGN_AUDIENCE),
        ({"audience": ()}, Reason.FOREIGN_AUDIENCE),
        ({"methods": ("POST",)}, Reason.METHOD_NOT_LISTED),
        ({"methods": ("get",)}, Reason.METHOD_NOT_LISTED),
        ({"methods": ()}, Reason.METHOD_NOT_LISTED),
        ({"countries": ("FR", "US-CA")}, Reason.COUNTRY_NOT_LISTED),
        ({"countries": ()}, Reason.COUNTRY_NOT_LISTED),
        ({"networks": (64501,)}, Reason.NETWORK_NOT_LISTED),
        ({"networks": ()}, Reason.NETWORK_NOT_LISTED),
        ({"replay": ReplayMode.PROHIBITED}, Reason.REPLAY_UNCHECKED),
        ({"replay": ReplayMode.REUSE_DETECTION}, Reason.REPLAY_UNCHECKED),
    ],
)
async def test_a_token_that_does_not_hold_is_refused_for_its_own_reason(
    changes: dict[str, Any], reason: Reason
) -> None:
    assert (await refused(claims(**changes)))[0] is reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uri": "https://media.example/titles/43/video.m3u8"}, Reason.URI_NOT_MATCHED),
        ({"method": "PUT"}, Reason.METHOD_NOT_LISTED),
        ({"country": "FR", "subdivision": None}, Reason.COUNTRY_NOT_LISTED),
        ({"country": None, "subdivision": None}, Reason.COUNTRY_NOT_LISTED),
        ({"address": ip_address("198.51.100.1"), "autonomous_system": 64501}, Reason.NETWORK_NOT_LISTED),
        ({"address": None, "autonomous_system": None}, Reason.NETWORK_NOT_LISTED),
    ],
)
async def test_a_request_that_is_not_granted_is_refused_in_words_that_tell_nothing_of_it(
    changes: dict[str, Any], reason: Reason
) -> None:
    assert await refused(claims(), replace(REQUEST, **changes)) == (reason, str(reason))
    assert "198.51" not in repr(replace(REQUEST, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"address": None},
        {"autonomous_system": None},
        {"address": ip_address("::ffff:192.0.2.7"), "autonomous_system": None},
        {"address": ip_address("2001:db8:0:ff::1"), "autonomous_system": None},
        {"country": "CA", "subdivision": "CA-ON"},
        {"method": "HEAD"},
    ],
)
async def test_one_listed_thing_of_a_kind_is_enough(changes: dict[str, Any]) -> None:
    await verifier().verify(mint(claims(), EDDSA), replace(REQUEST, **changes), now=NOW)


async def test_without_a_claim_nothing_is_asked_of_the_request() -> None:
    said = claims(uri=None, methods=None, countries=None, networks=None, not_before=None)
    await verifier().verify(mint(said, EDDSA), Request(uri="what", method="EVER"), now=NOW - timedelta(days=999))


async def test_a_token_for_somebody_is_not_for_a_verifier_without_a_name() -> None:
    nameless = Policy(issuers=POLICY.issuers)
    assert (await refused(claims(), policy=nameless))[0] is Reason.FOREIGN_AUDIENCE
    await verifier(policy=nameless).verify(mint(claims(audience=None), EDDSA), REQUEST, now=NOW)


async def test_clocks_may_differ_by_the_leeway_and_no_further() -> None:
    lenient = replace(POLICY, leeway=timedelta(seconds=30))
    end = NOW + timedelta(minutes=5)
    for now in (NOW - timedelta(seconds=30), end + timedelta(seconds=29)):
        await verifier(policy=lenient).verify(mint(claims(), EDDSA), REQUEST, now=now)
    assert (await refused(claims(), now=NOW - timedelta(seconds=31), policy=lenient))[0] is Reason.NOT_YET_VALID
    assert (await refused(claims(), now=end + timedelta(seconds=30), policy=lenient))[0] is Reason.EXPIRED


class Memory:
    """Uses of tokens, by issuer and id."""

    def __init__(self) -> None:
        self.used: set[tuple[str | None, bytes | None]] = set()

    async def __call__(self, said: Claims) -> bool:
        use = (said.issuer, said.token_id)
        fresh = use not in self.used
        self.used.add(use)
        return fresh


async def test_a_token_to_be_used_once_is_used_once_and_a_refused_request_does_not_count() -> None:
    memory = Memory()
    once = claims(replay=ReplayMode.PROHIBITED)
    elsewhere = replace(REQUEST, method="PUT")
    assert (await refused(once, elsewhere, replay=memory))[0] is Reason.METHOD_NOT_LISTED
    await verifier(replay=memory).verify(mint(once, EDDSA), REQUEST, now=NOW)
    assert (await refused(once, replay=memory))[0] is Reason.REPLAYED


async def test_a_token_to_be_used_once_names_itself_and_one_for_many_uses_asks_no_memory() -> None:
    memory = Memory()
    nameless = claims(replay=ReplayMode.PROHIBITED, token_id=None)
    assert (await refused(nameless, replay=memory))[0] is Reason.MISSING_CLAIM
    await verifier().verify(mint(claims(replay=ReplayMode.PERMITTED), EDDSA), REQUEST, now=NOW)
    assert not memory.used


async def test_a_memory_that_fails_lets_nothing_through() -> None:
    async def broken(said: Claims) -> bool:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await verifier(replay=broken).verify(mint(claims(replay=ReplayMode.PROHIBITED), EDDSA), REQUEST, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": (UriRule(component=UriComponent.PATH, match=MatchType.REGEX, value="^/.*"),)},
        {"uri": (UriRule(component=UriComponent.PATH, match=MatchType.SHA256, value=b"short"),)},
        {"uri": (UriRule(component=UriComponent.PATH, match=MatchType.PREFIX, value=b"/"),)},
        {"uri": 2 * (UriRule(component=UriComponent.PATH, match=MatchType.PREFIX, value="/"),)},
        {"uri": ()},
        {"networks": (-1,)},
        {"networks": (2**32,)},
        {"other": {317: [[0, 0, 1]]}},
        {"subject": "s" * 8192},
        {"expire_time": NOW + timedelta(microseconds=1)},
    ],
)
def test_what_would_be_refused_is_not_minted(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rule|refused|second|characters"):
        mint(claims(**changes), HMAC)


def test_keys_that_are_too_weak_or_share_a_name_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        hmac_key(b"1", b"s" * 31)
    with pytest.raises(ValueError, match="P-256"):
        es256_key(b"1", ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(ValueError, match="two keys"):
        Verifier([HMAC.verification, hmac_key(b"cdn-1", b"t" * 32).verification], policy=POLICY)


def test_a_key_is_not_shown() -> None:
    assert "ssss" not in repr(HMAC)
    assert repr(HMAC.verification) == "VerificationKey(kid=b'cdn-1', algorithm=<Algorithm.HMAC_256_256: 5>)"
