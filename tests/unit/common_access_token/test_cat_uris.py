"""URIs of Common Access Tokens: how they are taken apart, and what matches them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common_access_token.uris import MatchType, UriComponent, UriRule, uri_components, uri_matches

URI = "https://Media.Example:8443/titles/42/video.tar.gz?quality=hd&x=1"


def rule(component: UriComponent, match: MatchType, value: str | bytes) -> UriRule:
    """One demand."""
    return UriRule(component=component, match=match, value=value)


def test_a_uri_is_taken_apart() -> None:
    assert uri_components(URI) == {
        UriComponent.SCHEME: "https",
        UriComponent.HOST: "media.example",
        UriComponent.PORT: "8443",
        UriComponent.PATH: "/titles/42/video.tar.gz",
        UriComponent.QUERY: "quality=hd&x=1",
        UriComponent.PARENT_PATH: "/titles/42",
        UriComponent.FILENAME: "video.tar.gz",
        UriComponent.STEM: "video.tar",
        UriComponent.EXTENSION: ".gz",
    }


@pytest.mark.parametrize(
    ("uri", "component", "value"),
    [
        ("https://a.example:443/", UriComponent.PORT, ""),
        ("http://a.example:80/", UriComponent.PORT, ""),
        ("http://a.example:443/", UriComponent.PORT, "443"),
        ("https://a.example", UriComponent.PATH, "/"),
        ("https://a.example?x", UriComponent.QUERY, "x"),
        ("https://a.example/file", UriComponent.PARENT_PATH, ""),
        ("https://a.example/a/file", UriComponent.STEM, "file"),
        ("https://a.example/a/file", UriComponent.EXTENSION, ""),
        ("https://a.example/a/file.", UriComponent.EXTENSION, "."),
        ("https://a.example/a/", UriComponent.FILENAME, ""),
        ("https://[2001:DB8::1]:8443/a", UriComponent.HOST, "2001:db8::1"),
    ],
)
def test_a_part_of_a_uri(uri: str, component: UriComponent, value: str) -> None:
    assert uri_components(uri)[component] == value


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/titles/42/",
        "https:///titles/42/",
        "https://user@media.example/titles/42/",
        "https://media.example/titles/42/../43/",
        "https://media.example/titles/42/./x",
        "https://media.example/titles/42/..;x=1/43/",
        "https://media.example/titles/42/%2E%2e/43/",
        "https://media.example/titles/42/..%2f43",
        "https://media.example/titles/42/..\\43",
        "https://media.example/titles/42/..%5C43",
        "https://media.example\\@evil.example/titles/42/",
        "https://media.example/titles/42/#x",
        "https://media.example/titles/42/\n",
        " https://media.example/titles/42/",
        "https://media.example/titles/42/é",
        "https://media.exämple/titles/42/",
        "https://media.example:99999/titles/42/",
        "https://media.example:8443x/titles/42/",
        "https://[::1/titles/42/",
        "https://[:::::]/titles/42/",
    ],
)
def test_a_uri_that_others_may_read_otherwise_matches_nothing(uri: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - some are urllib's words
        uri_components(uri)
    assert not uri_matches([rule(UriComponent.SCHEME, MatchType.CONTAINS, "")], uri)


DIGEST = sha256(b"/titles/42").digest()
# FIPS 180-4 has it of "abc".
SHA512_256_OF_ABC = bytes.fromhex("53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (rule(UriComponent.PATH, MatchType.EXACT, "/titles/42/video.tar.gz"), "/titles/42/video.tar"),
        (rule(UriComponent.PATH, MatchType.PREFIX, "/titles/42/"), "/titles/43/"),
        (rule(UriComponent.HOST, MatchType.SUFFIX, ".example"), ".evil"),
        (rule(UriComponent.QUERY, MatchType.CONTAINS, "quality=hd"), "quality=uhd"),
        (rule(UriComponent.PARENT_PATH, MatchType.SHA256, DIGEST), DIGEST[::-1]),
    ],
)
def test_a_rule_matches_its_kind_alone(good: UriRule, bad: str | bytes) -> None:
    assert uri_matches([good], URI)
    assert not uri_matches([rule(good.component, good.match, bad)], URI)


def test_sha_512_256_is_that_of_fips_180_4() -> None:
    found = rule(UriComponent.FILENAME, MatchType.SHA512_256, SHA512_256_OF_ABC)
    assert uri_matches([found], "https://a.example/abc")
    assert not uri_matches([found], "https://a.example/abd")


def test_every_rule_has_to_match() -> None:
    rules = [
        rule(UriComponent.PATH, MatchType.PREFIX, "/titles/42/"),
        rule(UriComponent.PATH, MatchType.SUFFIX, ".gz"),
        rule(UriComponent.SCHEME, MatchType.EXACT, "https"),
    ]
    assert uri_matches(rules, URI)
    for bent in ("http://media.example/titles/42/a.gz", "https://media.example/titles/42/a.ts"):
        assert not uri_matches(rules, bent)


def test_a_regular_expression_matches_nothing() -> None:
    assert not uri_matches([rule(UriComponent.PATH, MatchType.REGEX, ".*")], URI)


@given(st.text(max_size=60) | st.text("htps:/.?@[]%2eF\\#&=1", max_size=60).map("https://a.example/".__add__))
def test_any_text_is_matched_or_not(uri: str) -> None:
    prefix = rule(UriComponent.PATH, MatchType.PREFIX, "/t/")
    if uri_matches([prefix], uri):
        assert "/../" not in uri_components(uri)[UriComponent.PATH] + "/"
