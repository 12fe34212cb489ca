"""Messages that are rendered once for a shape read as those that are rendered each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.challenge.messages.facts import MessageFacts
from services.challenge.messages.kinds import KINDS
from services.challenge.messages.renderer import MessageRenderer

_NOW = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
_LANGUAGES = ["en", "de", "de-AT", "es", "fr", "ja", "ar", "pt"]
moments = st.integers(0, 10_000_000).map(lambda seconds: _NOW + timedelta(seconds=seconds))


@st.composite
def facts(draw: st.DrawFn) -> MessageFacts:
    """What any message may tell."""
    parameters = {
        "device_kind": draw(st.sampled_from(["tv", "phone", "computer", "", "nonsense"])),
        "device_name": draw(st.one_of(st.just(""), st.text(max_size=50), st.sampled_from(["<b>", "A & B", 'x" y'])))
        .encode("utf-8", "replace")
        .decode(),
        "country_code": draw(st.sampled_from(["DE", "ES", "BA", "", "XX"])),
        "event_time": draw(moments).isoformat(),
        "due_time": draw(moments).isoformat(),
    }
    return MessageFacts.from_parameters(
        parameters,
        code=draw(st.sampled_from(["", "123456", "000000"])),
        expire_time=_NOW + timedelta(seconds=draw(st.integers(1, 700))),
        now=_NOW,
        disown_url=draw(st.sampled_from(["", "https://www.example.com/not-me?x=1&y=<2>#token"])),
        unsubscribe_url=draw(st.sampled_from(["", "https://hearthgate.example/unsubscribe?token=a&b=<c>"])),
        invitation_token=draw(st.sampled_from(["", "hgi1.a.b-c_d"])),
    )


@pytest.fixture(scope="module")
def kept() -> MessageRenderer:
    """Renders a shape once."""
    return MessageRenderer("hearthgate.example")


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> MessageRenderer:
    """Renders each time, since it has a folder of overrides, which is empty."""
    folder: Path = tmp_path_factory.mktemp("overrides")
    return MessageRenderer("hearthgate.example", folder)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(KINDS)), st.sampled_from(_LANGUAGES), facts())
def test_what_is_kept_reads_like_what_is_rendered(
    kept: MessageRenderer, direct: MessageRenderer, kind: str, language: str, told: MessageFacts
) -> None:
    for _ in range(2):
        assert kept.email(kind, language, told) == direct.email(kind, language, told)
        assert kept.text(kind, language, told) == direct.text(kind, language, told)
