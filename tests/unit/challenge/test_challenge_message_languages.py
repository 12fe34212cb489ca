"""Messages in every language: catalogues without gaps, plurals, directions, and lengths that fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from services.challenge.delivery.text_segments import DataCoding, split_text
from services.challenge.messages.catalogues import LOCALE_FOLDER, Languages, build_languages, read_catalogues
from services.challenge.messages.kinds import CODE_KINDS, KINDS
from services.challenge.messages.renderer import MessageRenderer
from tests.unit.challenge.message_world import CODE, DEVICES, DOMAIN, LANGUAGES, HtmlReader, facts, messages
from tools.update_messages import extract

ROOT = Path(__file__).parents[3]
_ISOLATES = re.compile("[\u2066-\u2069\u202a-\u202e\u200e\u200f]")
_LATIN = ["en", "de", "es", "fr"]
_MOST_SEGMENTS = {True: 2, False: 3}


def minutes_in(language: str, minutes: int) -> str:
    """What a mail says of a number of minutes, in its brackets."""
    text = messages().email("code_sign_up", language, facts(minutes=minutes)).text
    match = re.search(r"[(](?=[^()]*(?:min|Min|دق|分))([^()]*)[)]", text)
    assert match is not None, text
    return match[1]


def test_the_languages_are_those_that_are_promised() -> None:
    """English has no catalogue: its words are in the templates."""
    assert messages().languages.tags == LANGUAGES


def test_every_message_can_be_made_and_every_catalogue_is_whole() -> None:
    """Placeholders, plural forms, nothing fuzzy, nothing missing, nothing that no template says."""
    assert messages().check() == []


def test_what_translators_start_from_is_what_the_templates_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make messages` was run after the last change of a template."""
    pot = tmp_path / "messages.pot"
    monkeypatch.chdir(ROOT)
    CommandLineInterface().run(["pybabel", *extract("services/challenge/locale", str(pot))])  # type: ignore[no-untyped-call]  # Babel's
    assert _ids(pot) == _ids(LOCALE_FOLDER / "messages.pot")
    for path in LOCALE_FOLDER.glob("*.po"):
        assert _ids(path) == _ids(pot)


def test_each_sentence_stands_in_one_template() -> None:
    """The text and the HTML of a mail are made of the same words, written once."""
    with (LOCALE_FOLDER / "messages.pot").open("rb") as file:
        places = {str(message.id): message.locations for message in read_po(file) if message.id}
    assert {sentence: files for sentence, files in places.items() if len(files) != 1} == {}


def _ids(path: Path) -> set[object]:
    with path.open("rb") as file:
        catalog: Catalog = read_po(file, ignore_obsolete=True)
    return {message.id for message in catalog if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_part_is_rendered_in_the_language_and_its_direction(kind: str, language: str) -> None:
    """No English is left in another language, and no placeholder in any."""
    email, english = (messages().email(kind, each, facts()) for each in (language, "en"))
    reader = HtmlReader(email.html)
    direction = "rtl" if language == "ar" else "ltr"
    assert reader.elements[0] == ("html", {"lang": language, "dir": direction})
    # Once more inside, for mail programs that show the body alone.
    assert next(each for tag, each in reader.elements if tag == "div")["dir"] == direction
    start = "right" if language == "ar" else "left"
    assert set(re.findall(r"text-align:(left|right)", email.html)) == {start}
    for part in (email.subject, email.text, email.html, messages().text(kind, language, facts())):
        assert "%(" not in part
    if language != "en":
        assert email.subject != english.subject
        own = {line for line in email.text.splitlines() if len(line.split()) > 2}
        assert own.isdisjoint(english.text.splitlines())


@pytest.mark.parametrize("kind", KINDS)
def test_codes_and_addresses_run_from_left_to_right_in_arabic(kind: str) -> None:
    """A code that is read backwards lets nobody in."""
    reader = HtmlReader(messages().email(kind, "ar", facts()).html)
    assert [each["dir"] for tag, each in reader.elements if tag == "a"] == ["ltr"] * len(reader.links())
    assert [each["dir"] for _, each in reader.elements if each.get("class") == "code"] == ["ltr"] * (kind in CODE_KINDS)
    assert ("bdi", {}) in reader.elements


@pytest.mark.parametrize("kind", KINDS)
def test_an_arabic_text_begins_from_the_right_and_needs_no_marks_of_direction(kind: str) -> None:
    """Phones take the direction from the first letter; marks would be shown as boxes, and cost a place each."""
    text = messages().text(kind, "ar", facts())
    first = next(character for character in text if character.isalpha())
    assert "\u0600" <= first <= "\u06ff"
    assert not _ISOLATES.search(text)
    assert not _ISOLATES.search(messages().email(kind, "ar", facts()).subject)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", {1: "1 minute", 2: "2 minutes"}),
        ("de", {1: "1 Minute", 2: "2 Minuten"}),
        ("es", {1: "1 minuto", 2: "2 minutos"}),
        ("fr", {1: "1 minute", 2: "2 minutes"}),
        ("ja", {1: "1分間", 2: "2分間"}),
        ("ar", {1: "دقيقة واحدة", 2: "دقيقتان", 3: "3 دقائق", 11: "11 دقيقة", 100: "100 دقيقة"}),
    ],
)
def test_minutes_are_counted_as_the_language_counts(language: str, said: dict[int, str]) -> None:
    """At the boundaries of CLDR's plural forms."""
    assert {number: minutes_in(language, number) for number in said} == said


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_catalogues_plurals_are_those_of_cldr(language: str) -> None:
    """Two numbers share a form in the catalogue where they share one in CLDR; French has 0 with 1."""
    known = messages().languages.by_key[language]
    plural = getattr(known.translations, "plural")  # noqa: B009 - gettext's, absent from its type
    pairs = {(known.locale.plural_form(number), plural(number)) for number in range(1000)}
    assert len(pairs) == len({form for form, _ in pairs}) == len({index for _, index in pairs})
    if language == "fr":
        assert plural(0) == plural(1) != plural(2)


@pytest.mark.parametrize(("language", "country"), [("en", "Germany"), ("de", "Deutschland"), ("es", "Alemania")])
@pytest.mark.parametrize("kind", CODE_KINDS)
def test_a_code_in_latin_letters_is_one_short_message(kind: str, language: str, country: str) -> None:
    """For the usual device, with its country, and with the line for browsers as the last one."""
    text = messages().text(kind, language, facts(country_code="DE"))
    segments = split_text(text)
    assert (segments.data_coding, len(segments.parts)) == (DataCoding.GSM7, 1), text
    assert text.splitlines()[1:] == ["", f"@{DOMAIN} #{CODE}"]
    assert (country in text) is kind.startswith("code_confirm")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_takes_more_short_messages_than_it_may(kind: str, language: str) -> None:
    """Latin letters: one, or two with long names; others: two with a code, three without."""
    for device in DEVICES:
        text = messages().text(kind, language, facts(device_kind=device, code=CODE if kind in CODE_KINDS else ""))
        segments = split_text(text)
        latin = language in _LATIN
        assert segments.data_coding is (DataCoding.GSM7 if latin else DataCoding.UCS2)
        assert len(segments.parts) <= (2 if latin else 3), text
    usual = messages().text(kind, language, facts(country_code="DE", code=CODE if kind in CODE_KINDS else ""))
    assert len(split_text(usual).parts) <= (1 if language in _LATIN else _MOST_SEGMENTS[kind in CODE_KINDS]), usual


def test_the_closest_language_is_taken_and_english_where_there_is_none() -> None:
    """Words of the language, dates of the region."""
    said = {tag: messages().text("deadline_coming", tag, facts(code="")) for tag in ("de-AT", "DE_at", "pt", "", "tlh")}
    assert "8. Jänner 2030, 14:05 UTC" in said["de-AT"]
    assert said["DE_at"] == said["de-AT"]
    assert said["pt"] == said[""] == said["tlh"] == messages().text("deadline_coming", "en", facts(code=""))
    assert messages().text("deadline_coming", "../../etc", facts(code="")) == said[""]
    assert "8 January 2030" in messages().text("deadline_coming", "en-GB", facts(code=""))


@given(st.from_regex(r"([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?", fullmatch=True))
def test_every_tag_that_the_contract_allows_gets_a_message(tag: str) -> None:
    """Known to CLDR or not."""
    assert messages().text("new_sign_in", tag, facts(code="")).count("hearthgate.example/account/devices") == 1


def test_a_missing_country_is_said_in_a_mail_and_left_out_of_a_text() -> None:
    """No empty brackets."""
    unknown = facts(country_code="")
    assert "unbekannt" in messages().email("code_confirm_owner", "de", unknown).text
    assert "()" not in messages().text("code_confirm_owner", "de", unknown)


_GOOD = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals={count}; plural=({plural});\\n"

"""


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('msgid "Not you? Change your password."\nmsgstr "100 %"', "percent sign"),
        ('msgid "A device signed in to your %(brand)s account."\nmsgstr "Ein Gerät."', "lacks %(brand)s"),
        ('msgid "Your code:"\nmsgstr "%(code)s"', "has %(code)s, which the English has not"),
        ('#, fuzzy\nmsgid "Your code:"\nmsgstr "Code:"', "fuzzy"),
        ('msgid "Your kode:"\nmsgstr "Code:"', "no template says this"),
        (
            'msgid "Valid %(minutes)s min."\nmsgid_plural "Valid %(minutes)s min."\n'
            'msgstr[0] "%(minutes)s Min."\nmsgstr[1] ""',
            "plural forms",
        ),
        (
            'msgid "Valid %(minutes)s min."\nmsgid_plural "Valid %(minutes)s min."\n'
            'msgstr[0] "Eine Min."\nmsgstr[1] "Einige Min."',
            "lacks %(minutes)s",
        ),
        ("nonsense", "misformatted keyword: 'nonsense'"),
    ],
)
def test_a_mistake_in_a_catalogue_is_told_with_file_and_line(tmp_path: Path, entry: str, fault: str) -> None:
    """Each kind of mistake that translators make."""
    path = tmp_path / "de.po"
    path.write_text(_GOOD.format(count=2, plural="n != 1") + entry + "\n")
    [problem] = MessageRenderer(DOMAIN, tmp_path).check()
    assert fault in problem.text
    assert (problem.file, problem.line) == (str(path), 7 if "fuzzy" in entry else 6)


@pytest.mark.parametrize(("language", "count", "plural"), [("ar", 2, "n != 1"), ("ja", 2, "n != 1"), ("de", 1, "0")])
def test_a_wrong_number_of_plural_forms_is_told(tmp_path: Path, language: str, count: int, plural: str) -> None:
    """Arabic has six, Japanese one."""
    (tmp_path / f"{language}.po").write_text(_GOOD.format(count=count, plural=plural))
    [problem] = MessageRenderer(DOMAIN, tmp_path).check()
    assert f"Plural-Forms has {count} forms" in str(problem)


def test_a_plural_form_that_cannot_be_computed_is_told(tmp_path: Path) -> None:
    """It is an expression of C in n alone."""
    (tmp_path / "de.po").write_text(_GOOD.format(count=2, plural="open(n)"))
    [problem] = MessageRenderer(DOMAIN, tmp_path).check()
    assert "cannot be read" in str(problem)


def test_one_minute_may_be_said_in_words_where_the_form_is_for_one_alone(tmp_path: Path) -> None:
    """German 1 is only 1; French 1 is also 0, and keeps its number."""
    entry = (
        'msgid "Valid %(minutes)s min."\nmsgid_plural "Valid %(minutes)s min."\n'
        'msgstr[0] "Une min."\nmsgstr[1] "%(minutes)s min."\n'
    )
    (tmp_path / "de.po").write_text(_GOOD.format(count=2, plural="n != 1") + entry)
    assert MessageRenderer(DOMAIN, tmp_path).check() == []
    (tmp_path / "fr.po").write_text(_GOOD.format(count=2, plural="n > 1") + entry)
    assert [Path(each.file).name for each in MessageRenderer(DOMAIN, tmp_path).check()] == ["fr.po"]


def test_catalogues_are_layered_and_a_region_inherits(tmp_path: Path) -> None:
    """What de-AT does not say, de says."""
    (tmp_path / "de-AT.po").write_text(
        _GOOD.format(count=2, plural="n != 1") + 'msgid "Your code:"\nmsgstr "Ihr Kodex:"\n'
    )
    files, problems = read_catalogues([(LOCALE_FOLDER, True), (tmp_path, False)])
    languages: Languages = build_languages(files)
    assert problems == []
    assert languages.closest("de-at-1996").translations.gettext("Your code:") == "Ihr Kodex:"
    assert languages.closest("de-AT").translations.gettext("Device") == "Gerät"
    assert languages.closest("de-CH").translations.gettext("Your code:") == "Ihr Code:"
