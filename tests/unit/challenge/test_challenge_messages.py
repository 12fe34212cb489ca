"""Messages: every kind, in words that fit where they go."""

from __future__ import annotations

import re

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateNotFound, UndefinedError

from services.challenge.delivery.gsm7 import encode_gsm7
from services.challenge.delivery.text_segments import DataCoding, split_text
from services.challenge.messages.facts import MessageFacts
from services.challenge.messages.kinds import CODE_KINDS, DISOWNABLE_KINDS, KINDS, NOTICE_KINDS
from services.challenge.messages.renderer import MessageRenderer
from services.challenge.messages.safe_text import plain_text_line, safe_name
from tests.unit.challenge.message_world import CODE, DEVICES, LANGUAGES, NOW, HtmlReader, facts, messages

_UNSUBSCRIBE = 'https://hearthgate.example/stop?token=a&b="c"'
# Stand in for what a stranger would write, beside what hypothesis finds by itself.
_HOSTILE = [
    "<script>alert(1)</script>",
    '"><a href=//evil.example>',
    "{{ facts.code }}",
    "%(code)s %s %",
    "</bdi></td>",
    "a\r\nBcc: eve@evil.example",
    "evil。example",
    "ｅｖｉｌ．ｅｘａｍｐｌｅ",
    "\u2066\u202e012345\u2069",
]
_names = st.one_of(st.sampled_from(_HOSTILE), st.text(max_size=60), st.text("<>&\"'/=.:@%{}\n\r ab1", max_size=60))


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_has_a_subject_on_one_line_and_readable_text(kind: str) -> None:
    """Subject and text as a person reads them."""
    email = messages().email(kind, "en", facts())
    assert 5 < len(email.subject) < 60
    assert "\n" not in email.subject
    assert "{" not in email.text
    assert " \n" not in email.text
    assert "\n\n\n" not in email.text
    assert "https://hearthgate.example" in email.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_html_is_one_column_with_large_letters_and_nothing_from_outside(kind: str, language: str) -> None:
    """Readable on a phone by day and night, and no tracker can be in it."""
    html = messages().email(kind, language, facts(unsubscribe_url=_UNSUBSCRIBE)).html
    reader = HtmlReader(html)
    assert html.startswith("<!DOCTYPE html>\n<html")
    assert {tag for tag, _ in reader.elements}.isdisjoint({"img", "link", "script", "iframe", "form", "input"})
    assert not re.search(r"url\(|@import|\ssrc=|background=", html)
    assert min(int(size) for size in re.findall(r"font-size:(\d+)px", html)) >= 16
    assert max(int(width) for width in re.findall(r"width:(\d+)px", html)) <= 480
    assert "width=device-width" in html
    assert "prefers-color-scheme: dark" in html
    assert all(link.startswith("https://hearthgate.example") for link in reader.links())


@pytest.mark.parametrize("kind", CODE_KINDS)
def test_a_code_stands_in_text_and_html_once_and_never_in_the_subject(kind: str) -> None:
    """Beside it, the device, the country, how long, and what to do with it."""
    email = messages().email(kind, "en", facts())
    assert (email.text.count(CODE), email.html.count(CODE), email.subject.count(CODE)) == (1, 1, 0)
    for part in (email.text, HtmlReader(email.html).text):
        for phrase in ("It wasn’t you?", "10 minutes", "Do not forward", "Spain", "TV “Living room”"):
            assert phrase in part


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_text_and_html_of_a_mail_say_the_same(kind: str, language: str) -> None:
    """Each line of the text part is in the HTML part; only addresses are written without https:// there."""
    email = messages().email(kind, language, facts(unsubscribe_url=_UNSUBSCRIBE))
    html = HtmlReader(email.html).text
    for line in email.text.replace(_UNSUBSCRIBE, "").replace("https://", "").splitlines():
        # A fact is a label and a value here, and two cells there.
        for words in [line.strip()] if line[:1].strip() else re.split(r"\s?: ", line.strip(), maxsplit=1):
            assert words in ("--", "") or words.replace("\u00a0", " ") in html, words


@pytest.mark.parametrize("kind", CODE_KINDS)
@pytest.mark.parametrize("device", DEVICES)
def test_a_code_is_one_short_message_in_english_in_every_country(kind: str, device: str) -> None:
    """Also with the longest country that is named, and always with the line that binds it to our domain."""
    for country in Locale("en").territories:
        text = messages().text(kind, "en", facts(device_kind=device, country_code=str(country)))
        segments = split_text(text)
        assert segments.data_coding is DataCoding.GSM7
        assert len(segments.parts) == 1, text
        assert text.splitlines()[-1] == "@hearthgate.example #012345"
        assert len(text.splitlines()) == 3


@pytest.mark.parametrize("kind", NOTICE_KINDS)
def test_a_notice_is_one_short_message_without_the_line_of_codes(kind: str) -> None:
    """A notice has nothing for a form to fill in."""
    text = messages().text(kind, "en", facts(code=""))
    assert len(split_text(text).parts) == 1
    assert "\n" not in text
    assert "#" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_notices_can_be_ended_where_an_address_is_given_and_codes_cannot(kind: str, language: str) -> None:
    """A link in the footer of both parts, escaped in HTML; nothing is said without the address."""
    with_link = messages().email(kind, language, facts(unsubscribe_url=_UNSUBSCRIBE))
    without = messages().email(kind, language, facts())
    expected = kind in NOTICE_KINDS
    assert (_UNSUBSCRIBE in with_link.text) is expected
    assert (_UNSUBSCRIBE in HtmlReader(with_link.html).links()) is expected
    assert (with_link == without) is not expected
    assert "token=" not in messages().text(kind, language, facts(unsubscribe_url=_UNSUBSCRIBE))


_DISOWN = "https://www.example.com/not-me?a=1&b=2#a-token"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(DISOWNABLE_KINDS))
def test_it_was_not_me_is_a_link_in_the_mail_alone_in_the_readers_words(kind: str, language: str) -> None:
    told, untold = facts(code="", disown_url=_DISOWN), facts(code="")
    mail, other = messages().email(kind, language, told), messages().email(kind, language, untold)
    assert _DISOWN in mail.text
    assert _DISOWN in HtmlReader(mail.html).links()
    assert mail.subject == other.subject
    assert (mail.text, mail.html) != (other.text, other.html)
    assert messages().text(kind, language, told) == messages().text(kind, language, untold)
    if language != "en":
        assert "wasn’t" not in mail.text + mail.html


def test_without_a_page_for_it_a_token_makes_no_link() -> None:
    assert messages().disown_link("a-token") == ""


@pytest.mark.parametrize("kind", KINDS)
@given(name=_names)
def test_no_name_of_a_device_breaks_out_of_its_place(kind: str, name: str) -> None:
    """No element, no link, no second line, and nothing in a text message."""
    for language in ("en", "ar"):
        plain, named = (messages().email(kind, language, facts(device_name=each)) for each in ("Room", name))
        before, after = HtmlReader(plain.html), HtmlReader(named.html)
        assert [tag for tag, _ in after.elements if tag != "bdi"] == [tag for tag, _ in before.elements if tag != "bdi"]
        assert after.links() == before.links()
        assert named.subject == plain.subject
        assert len(named.text.splitlines()) == len(plain.text.splitlines())
        assert named.text.count("://") == plain.text.count("://")
        assert "evil.example" not in named.text + named.html
        texts = [messages().text(kind, language, facts(device_name=each)) for each in ("Room", name)]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_a_name_is_shown_as_it_is(kind: str) -> None:
    """Escaped once, in HTML alone."""
    email = messages().email(kind, "en", facts(device_name="<b>A & B</b>"))
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in email.html
    assert "<b>A & B</b>" in email.text


def test_a_moment_that_is_missing_is_an_error_and_not_the_present() -> None:
    """A deadline without its date is not sent."""
    bare = MessageFacts(expire_time=NOW)
    with pytest.raises(UndefinedError, match="time"):
        messages().email("deadline_coming", "en", bare)
    with pytest.raises(UndefinedError, match="time"):
        messages().text("deadline_coming", "en", bare)


def test_a_kind_without_templates_is_an_error() -> None:
    """Nothing stands in for it."""
    with pytest.raises(TemplateNotFound):
        messages().email("nonsense", "en", facts())


def test_a_brand_is_said_everywhere_in_the_place_of_ours_and_escaped_in_html() -> None:
    """No message keeps the word that the operator replaced."""
    renderer = MessageRenderer("lumen.example", brand="Lumen & Söhne")
    for kind in KINDS:
        for language in LANGUAGES:
            email = renderer.email(kind, language, facts())
            text = renderer.text(kind, language, facts())
            for part in (email.subject, email.text, email.html, text):
                assert "earthgate" not in part
            assert "Lumen & Söhne" in email.text
            assert "Lumen &amp; Söhne" in email.html
            assert "& Söhne" not in email.html


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Living room", "Living room"),
        ("  Oma's\tTV\n", "Oma's TV"),
        ("テレビ", "テレビ"),
        ("see https://evil.example", ""),
        ("evil.example", ""),
        ("evil。example", ""),
        ("ｅｖｉｌ．ｅｘａｍｐｌｅ", ""),
        ("www.evil", ""),
        ("write to me@evil", ""),
        ("call +49 170 1234567", ""),
        ("a\u202eb\u200bc", "a b c"),
        ("x" * 60, "x" * 40),
        ("v2.0", "v2.0"),
    ],
)
def test_a_device_name_is_shown_unless_it_could_be_followed(name: str, shown: str) -> None:
    """Links, addresses and numbers are left out, however they are written."""
    assert safe_name(name) == shown


@given(st.text(max_size=80))
def test_any_folded_text_is_in_the_gsm_alphabet_and_any_name_is_one_line(text: str) -> None:
    """What the alphabet lacks is folded or left out."""
    assert encode_gsm7(plain_text_line(text, gsm7=True)) is not None
    assert not re.search(r"[\x00-\x1f\u2028\u2029]", safe_name(text))


def test_quotes_and_dashes_of_every_language_are_folded_to_ascii() -> None:
    """German, French and Spanish quotes stay quotes."""
    assert plain_text_line("„a“ «b» « c » – ‘d’ …", gsm7=True) == '"a" "b" " c " - \'d\' ...'
