"""What the gateway tells people, in every language: catalogues without gaps, and the closest language to a tag."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

from services.challenge.messages.catalogue_checks import check_catalogues
from services.challenge.messages.catalogues import build_languages, read_catalogues
from services.gateway.answers import reasons, remedies
from services.gateway.domain.decision import Outcome, ReasonCode, RemedyCode, Verdict
from services.gateway.domain.texts import REASON_TEXTS, REMEDY_TEXTS
from services.gateway.languages import LOCALE_FOLDER, read_languages
from tests.unit.challenge.message_world import LANGUAGES
from tools.update_messages import extract

ROOT = Path(__file__).parents[3]
SENTENCES = {*REASON_TEXTS.values(), *REMEDY_TEXTS.values()}


def test_the_gateway_speaks_the_languages_of_the_messages() -> None:
    """English has no catalogue: its words are in the code."""
    assert sorted(["en", *read_languages().by_key]) == sorted(LANGUAGES)


def test_every_sentence_stands_in_every_language_with_its_placeholders() -> None:
    """By the same checks as the catalogues of messages: nothing missing, nothing fuzzy, nothing that is not said."""
    files, unreadable = read_catalogues([(LOCALE_FOLDER, True)])
    assert unreadable == []
    assert check_catalogues(build_languages(files), ours=SENTENCES, all_sentences=SENTENCES) == []
    assert all(sentences.keys() == SENTENCES for sentences in read_languages().by_key.values())


def test_what_translators_start_from_is_what_the_gateway_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make messages` was run after the last change of a sentence."""
    pot = tmp_path / "messages.pot"
    monkeypatch.chdir(ROOT)
    CommandLineInterface().run(  # type: ignore[no-untyped-call]  # Babel's
        ["pybabel", *extract("services/gateway/locale", str(pot))]
    )
    assert _ids(pot) == _ids(LOCALE_FOLDER / "messages.pot") == SENTENCES


def test_no_two_sentences_of_a_language_are_the_same() -> None:
    """One that was pasted into the wrong place would be."""
    for sentences in read_languages().by_key.values():
        assert len(set(sentences.values())) == len(SENTENCES)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("de", "Später bestätigen"),
        ("de-AT", "Später bestätigen"),
        ("JA", "後で確認する"),
        ("ar-EG", "التأكيد لاحقًا"),
        ("en-GB", "Verify later"),
        ("pt-BR", "Verify later"),
        ("", "Verify later"),
    ],
)
def test_the_closest_language_is_spoken_else_english(tag: str, said: str) -> None:
    assert read_languages().closest(tag)("Verify later") == said


def test_an_answer_says_its_reason_and_its_remedies_in_one_language() -> None:
    say = read_languages().closest("fr-CA")
    verdict = Verdict(
        outcome=Outcome.DENIED, reason=ReasonCode.SESSION_ENDED, remedies=(RemedyCode.SIGN_IN, RemedyCode.CONTACT_OWNER)
    )
    assert [each.text for each in reasons(verdict, say)] == ["Votre session sur cet appareil est terminée."]
    assert [each.text for each in remedies(verdict.remedies, say)] == [
        "Se connecter de nouveau",
        "S’adresser au titulaire du compte",
    ]


def _ids(path: Path) -> set[str]:
    with path.open("rb") as file:
        return {str(message.id) for message in read_po(file) if message.id}
