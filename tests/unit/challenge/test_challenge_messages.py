"""Messages: every kind, in words that fit where they go."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from services.challenge.delivery.gsm7 import encode_gsm7
from services.challenge.delivery.text_segments import DataCoding, split_text
from services.challenge.domain.challenge import NoticeKind, Purpose
from services.challenge.messages.renderer import TEMPLATES, MessageFacts, MessageRenderer
from services.challenge.messages.safe_text import plain_text_line, safe_name

_NOW = datetime(2030, 1, 1, 14, 5, tzinfo=UTC)
_CODES = [f"code_{purpose}" for purpose in Purpose]
_KINDS = [*_CODES, *NoticeKind]
_KINDS_OF_DEVICE = ["tv", "phone", "tablet", "computer", "console", "set_top_box"]


def facts(**changes: str) -> MessageFacts:
    """What a message tells of a television in Spain, with changes."""
    parameters = {
        "device_kind": "tv",
        "device_name": "Living room",
        "country_code": "ES",
        "event_time": _NOW.isoformat(),
        "due_time": (_NOW + timedelta(days=7)).isoformat(),
    }
    return MessageFacts.from_parameters(
        parameters | changes, code=changes.pop("code", "012345"), expire_time=_NOW + timedelta(minutes=10), now=_NOW
    )


@pytest.fixture(scope="module")
def renderer() -> MessageRenderer:
    """Messages of the default domain."""
    return MessageRenderer("hearthgate.example")


@pytest.mark.parametrize("kind", _KINDS)
def test_a_mail_has_a_subject_on_one_line_readable_text_and_html_without_images(
    renderer: MessageRenderer, kind: str
) -> None:
    email = renderer.email(kind, "en", facts())
    assert 5 < len(email.subject) < 60
    assert "\n" not in email.subject
    assert "{" not in email.text + email.html.partition("</style>")[2]
    assert "<img" not in email.html
    assert "width=device-width" in email.html
    assert "  \n" not in email.text
    assert "\n\n\n" not in email.text
    Balanced().check(email.html)


@pytest.mark.parametrize("kind", _CODES)
def test_a_code_stands_in_text_and_html_once_and_never_in_the_subject(renderer: MessageRenderer, kind: str) -> None:
    email = renderer.email(kind, "en", facts())
    assert (email.text.count("012345"), email.html.count("012345"), email.subject.count("012345")) == (1, 1, 0)
    for part in (email.text, email.html):
        for phrase in ("It wasn", "10 minutes", "Do not forward", "Spain", "TV “Living room”"):
            assert phrase in part


@pytest.mark.parametrize("kind", _CODES)
@pytest.mark.parametrize("device", _KINDS_OF_DEVICE)
def test_a_code_is_one_short_message_in_every_country(renderer: MessageRenderer, kind: str, device: str) -> None:
    for country in Locale("en").territories:
        text = renderer.text(kind, "en", facts(device_kind=device, country_code=str(country)))
        segments = split_text(text)
        assert segments.data_coding is DataCoding.GSM7
        assert len(segments.parts) == 1, text
        assert text.splitlines()[-1] == "@hearthgate.example #012345"
        assert len(text.splitlines()) == 3


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_a_notice_is_one_short_message_without_the_line_of_codes(renderer: MessageRenderer, kind: str) -> None:
    text = renderer.text(kind, "en", facts(code=""))
    assert len(split_text(text).parts) == 1
    assert "\n" not in text
    assert "#" not in text


def test_what_others_chose_is_escaped_in_html(renderer: MessageRenderer) -> None:
    for kind in _KINDS:
        email = renderer.email(kind, "en", facts(device_name="<script>alert(1)</script>"))
        assert "<script" not in email.html
        assert "&lt;script" in email.html


def test_a_missing_variable_is_an_error_and_not_an_empty_place(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "own.subject.j2").write_text("Hello {{ nobody }}")
    with pytest.raises(UndefinedError):
        MessageRenderer("x.example", templates=tmp_path).email("own", "en", facts())


def test_the_closest_language_is_taken_and_english_where_there_is_none(tmp_path: Path) -> None:
    for language in ("en", "de", "pt-BR"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "own.sms.j2").write_text(language + " {{ moment(facts.event_time) }}")
    renderer = MessageRenderer("x.example", templates=tmp_path)
    assert renderer.text("own", "de-AT", facts(code="")) == "de 1. Jänner 2030, 14:05 UTC"
    assert renderer.text("own", "pt-BR", facts(code="")).startswith("pt-BR 1 de janeiro de 2030")
    assert renderer.text("own", "", facts(code="")).startswith("en January 1, 2030")
    assert renderer.text("own", "tlh", facts(code="")).startswith("en January")
    assert renderer.text("own", "../../etc", facts(code="")).startswith("en January")


def test_every_kind_has_all_its_templates_in_every_language() -> None:
    for language in (path for path in TEMPLATES.iterdir() if path.is_dir()):
        for kind in _KINDS:
            for part in ("subject", "txt", "html", "sms"):
                assert (language / f"{kind}.{part}.j2").is_file()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Living room", "Living room"),
        ("  Oma's\tTV\n", "Oma's TV"),
        ("テレビ", "テレビ"),
        ("see https://evil.example", ""),
        ("evil.example", ""),
        ("www.evil", ""),
        ("write to me@evil", ""),
        ("call +49 170 1234567", ""),
        ("a\u202eb\u200bc", "a b c"),
        ("x" * 60, "x" * 40),
        ("v2.0", "v2.0"),
    ],
)
def test_a_device_name_is_shown_unless_it_could_be_followed(name: str, shown: str) -> None:
    assert safe_name(name) == shown


@given(st.text(max_size=80))
def test_any_folded_text_is_in_the_gsm_alphabet_and_any_name_is_one_line(text: str) -> None:
    assert encode_gsm7(plain_text_line(text, gsm7=True)) is not None
    assert not re.search(r"[\x00-\x1f\u2028\u2029]", safe_name(text))


class Balanced(HTMLParser):
    """Checks that each element is closed where it should be."""

    _VOID = frozenset({"meta", "br", "img"})

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def check(self, html: str) -> None:
        """Fails for an element that is left open or closed twice."""
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """An element begins."""
        if tag not in self._VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        assert self._open.pop() == tag
