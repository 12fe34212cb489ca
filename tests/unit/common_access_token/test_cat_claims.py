"""Claims of Common Access Tokens: what is written is read."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from libs.common_access_token.claims import Claims, ReplayMode, decode_claims, encode_claims
from libs.common_access_token.keys import MintingKey
from libs.common_access_token.renewal import Renewal, RenewalType
from libs.common_access_token.tokens import mint
from libs.common_access_token.uris import MatchType, UriComponent, UriRule
from tests.unit.common_access_token.cat_world import KEYS, verifier

TEXT = st.text(max_size=20)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
TIMES = st.integers(-62_135_596_800, 253_402_300_799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
NETWORKS = (
    st.integers(0, 2**32 - 1)
    | st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda pair: ip_network(pair, strict=False))
    | st.tuples(st.integers(2**32, 2**128 - 1), st.integers(0, 128)).map(lambda pair: ip_network(pair, strict=False))
)
TEXT_RULES = st.builds(
    UriRule,
    component=st.sampled_from(UriComponent),
    match=st.sampled_from([MatchType.EXACT, MatchType.PREFIX, MatchType.SUFFIX, MatchType.CONTAINS]),
    value=TEXT,
)
DIGEST_RULES = st.builds(
    UriRule,
    component=st.sampled_from(UriComponent),
    match=st.sampled_from([MatchType.SHA256, MatchType.SHA512_256]),
    value=st.binary(min_size=32, max_size=32),
)
RULES = st.lists(
    TEXT_RULES | DIGEST_RULES, min_size=1, max_size=5, unique_by=lambda rule: (rule.component, rule.match)
).map(tuple)
RENEWALS = st.builds(
    Renewal,
    type=st.sampled_from(RenewalType),
    extension_seconds=st.integers(0, 10**9),
    deadline=st.none() | st.integers(0, 10**9),
    cookie_name=st.none() | TEXT,
    header_name=st.none() | TEXT,
    cookie_parameters=st.none() | TEXTS,
    header_parameters=st.none() | TEXTS,
    status_code=st.none() | st.integers(300, 399),
)
CLAIMS = st.builds(
    Claims,
    issuer=st.none() | TEXT,
    subject=st.none() | TEXT,
    audience=st.none() | TEXTS,
    expire_time=st.none() | TIMES,
    not_before=st.none() | TIMES,
    issue_time=st.none() | TIMES,
    token_id=st.none() | st.binary(max_size=20),
    replay=st.none() | st.sampled_from(ReplayMode),
    networks=st.none() | st.lists(NETWORKS, max_size=3).map(tuple),
    uri=st.none() | RULES,
    methods=st.none() | TEXTS,
    countries=st.none() | TEXTS,
    renewal=st.none() | RENEWALS,
    other=st.dictionaries(TEXT | st.integers(1000, 2000), TEXT, max_size=3),
)


def in_order(claims: Claims) -> dict[str, object]:
    """The claims without the order of their rules, which says nothing."""
    return {name: getattr(claims, name) for name in Claims.__slots__} | {"uri": frozenset(claims.uri or ())}


@given(claims=CLAIMS, key=st.sampled_from(KEYS))
def test_what_is_minted_is_read_as_it_was(claims: Claims, key: MintingKey) -> None:
    assert in_order(verifier().read(mint(claims, key))) == in_order(claims)


def test_claims_are_written_with_the_numbers_of_the_registry() -> None:
    claims = Claims(
        issuer="hearthgate",
        audience=("cdn",),
        expire_time=datetime(2030, 1, 1, tzinfo=UTC),
        token_id=b"1",
        replay=ReplayMode.PROHIBITED,
        networks=(ip_network("192.0.2.7/32"), ip_network("192.0.2.0/24"), ip_network("2001:db8::/56"), 64500),
        uri=(
            UriRule(component=UriComponent.HOST, match=MatchType.EXACT, value="media.example"),
            UriRule(component=UriComponent.PATH, match=MatchType.PREFIX, value="/titles/"),
            UriRule(component=UriComponent.PATH, match=MatchType.SUFFIX, value=".ts"),
        ),
        methods=("GET",),
        countries=("DE",),
        renewal=Renewal(type=RenewalType.REDIRECT, extension_seconds=60, status_code=307),
    )
    payload = encode_claims(claims)
    assert cbor2.loads(payload) == {
        1: "hearthgate",
        3: "cdn",
        4: 1893456000,
        7: b"1",
        308: 1,
        310: 1,
        311: [ip_address("192.0.2.7"), ip_network("192.0.2.0/24"), ip_network("2001:db8::/56"), 64500],
        312: {1: {0: "media.example"}, 3: {1: "/titles/", 2: ".ts"}},
        313: ["GET"],
        316: ["DE"],
        323: {0: 3, 1: 60, 7: 307},
    }
    # RFC 9164: an address is its bytes, a prefix its length and the bytes that are not zero.
    assert bytes.fromhex("190137 84 d83444c0000207 d83482181843c00002 d8368218384420010db8 19fbf4") in payload


def test_a_time_with_a_fraction_is_read() -> None:
    """RFC 8392, A.7 has one."""
    said = decode_claims(cbor2.dumps({6: 1443944944.5}))
    assert said.issue_time == datetime.fromtimestamp(1443944944.5, UTC)


def test_a_prefix_is_read_in_full_length_as_well() -> None:
    said = decode_claims(cbor2.dumps({311: [cbor2.CBORTag(52, [24, b"\xc0\x00\x02\x00"])]}))
    assert said.networks == (ip_network("192.0.2.0/24"),)
