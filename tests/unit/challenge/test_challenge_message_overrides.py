"""Messages that an operator changes: templates, words, languages, the brand; and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from jinja2 import UndefinedError

from libs.runtime.keys import new_secret
from libs.runtime.settings import load_settings
from services.challenge import main
from services.challenge.assembly import sound_renderer
from services.challenge.messages.catalogues import LOCALE_FOLDER
from services.challenge.messages.problems import FaultyMessagesError, MessageProblem
from services.challenge.messages.renderer import MessageRenderer
from services.challenge.settings import ChallengeSettings
from tests.unit.challenge.message_world import DOMAIN, facts, messages

_HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def write(folder: Path, **files: str) -> MessageRenderer:
    """A renderer over a folder of overrides; in a file's name, ``__`` stands for a dot and ``___`` for a slash."""
    for name, content in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return MessageRenderer(DOMAIN, folder)


def only_problem(renderer: MessageRenderer) -> MessageProblem:
    """The one fault that the check finds."""
    [problem] = renderer.check()
    return problem


def test_an_empty_folder_changes_nothing(tmp_path: Path) -> None:
    """All the messages as they come."""
    renderer = write(tmp_path)
    assert renderer.check() == []
    assert renderer.email("new_sign_in", "fr", facts()) == messages().email("new_sign_in", "fr", facts())


def test_one_part_is_replaced_for_every_language_and_the_others_stay(tmp_path: Path) -> None:
    """The parts of a message are independent."""
    renderer = write(tmp_path, new_sign_in__subject__j2="{{ brand }}: {% trans %}A new device signed in{% endtrans %}")
    assert renderer.check() == []
    german = renderer.email("new_sign_in", "de", facts())
    assert german.subject == "Hearthgate: Ein neues Gerät hat sich angemeldet"
    assert german.text == messages().email("new_sign_in", "de", facts()).text


def test_a_languages_own_template_goes_before_the_neutral_one(tmp_path: Path) -> None:
    """German and its regions have it; the others have the neutral one."""
    renderer = write(
        tmp_path, de___new_sign_in__subject__j2="Hallo von {{ brand }}", new_sign_in__subject__j2="Hi from {{ brand }}"
    )
    assert renderer.check() == []
    subjects = {tag: renderer.email("new_sign_in", tag, facts()).subject for tag in ("de", "de-AT", "en", "ja")}
    assert subjects == dict.fromkeys(("de", "de-AT"), "Hallo von Hearthgate") | dict.fromkeys(
        ("en", "ja"), "Hi from Hearthgate"
    )


def test_a_region_can_have_a_template_without_a_catalogue(tmp_path: Path) -> None:
    """Its words are its language's."""
    renderer = write(tmp_path, de_AT___new_sign_in__subject__j2="Servus")
    assert renderer.check() == []
    assert renderer.email("new_sign_in", "de-AT", facts()).subject == "Servus"
    assert renderer.email("new_sign_in", "de", facts()).subject != "Servus"
    assert "Jänner" in renderer.email("new_sign_in", "de-AT", facts()).text


def test_a_layout_extends_the_one_in_whose_place_it_stands(tmp_path: Path) -> None:
    """A line of one's own in each mail, without a copy of ours."""
    layout = '{% extends "builtin/_layout.html.j2" %}{% block footer %}{{ super() }}<p>Lumen</p>{% endblock %}'
    renderer = write(tmp_path, _layout__html__j2=layout)
    assert renderer.check() == []
    for kind in ("code_sign_up", "new_sign_in"):
        assert "Lumen" in renderer.email(kind, "ja", facts()).html
    assert "Lumen" not in renderer.email("code_sign_up", "ja", facts()).text


def test_words_are_replaced_by_a_part_of_a_catalogue_also_in_english(tmp_path: Path) -> None:
    """What it does not have stays ours; an empty translation is none."""
    entry = 'msgid "A new device signed in"\nmsgstr "{}"\n\nmsgid "Your code:"\nmsgstr ""\n'
    renderer = write(
        tmp_path, de__po=_HEADER + entry.format("Neu!"), en__po=_HEADER + entry.format("Hello, new device")
    )
    assert renderer.check() == []
    assert renderer.email("new_sign_in", "de-CH", facts()).subject == "Neu!"
    assert renderer.email("new_sign_in", "en", facts()).subject == "Hello, new device"
    assert "Ihr Code:" in renderer.email("code_sign_up", "de", facts()).text
    assert renderer.email("new_sign_in", "es", facts()) == messages().email("new_sign_in", "es", facts())


def test_markup_in_a_translation_is_text(tmp_path: Path) -> None:
    """Catalogues say words; they stand in HTML and in text alike."""
    renderer = write(tmp_path, de__po=_HEADER + 'msgid "A new device signed in"\nmsgstr "Neu & <b>da</b>"\n')
    email = renderer.email("new_sign_in", "de", facts())
    assert email.subject == "Neu & <b>da</b>"
    assert "Neu &amp; &lt;b&gt;da" in email.html


def test_a_new_language_is_one_file(tmp_path: Path) -> None:
    """Here German under the name of Dutch, which counts plurals in the same way."""
    dutch = (LOCALE_FOLDER / "de.po").read_text(encoding="utf-8")
    renderer = write(tmp_path, nl__po=dutch)
    assert renderer.check() == []
    assert "nl" in renderer.languages.tags
    email = renderer.email("new_sign_in", "nl-BE", facts())
    assert '<html lang="nl" dir="ltr">' in email.html
    assert "Spanje" in email.text


def test_a_new_language_with_gaps_is_refused(tmp_path: Path) -> None:
    """Half of a message in English helps nobody."""
    problem = only_problem(write(tmp_path, nl__po=_HEADER + 'msgid "Your code:"\nmsgstr "Uw code:"\n'))
    assert problem.file == str(tmp_path / "nl.po")
    assert "are not translated" in problem.text


@pytest.mark.parametrize(
    ("name", "content", "line", "fault"),
    [
        ("new_sign_in__html__j2", "<p>\n{{ nobody }}</p>", 2, "'nobody' is undefined"),
        ("new_sign_in__html__j2", "{{ facts.shoe_size }}", 1, "has no attribute 'shoe_size'"),
        ("new_sign_in__html__j2", "a\n\n{% if %}", 3, "Expected an expression"),
        ("new_sign_in__sms__j2", "{% for x in y %}", 1, "Unexpected end of template"),
        ("new_sign_in__txt__j2", '{% include "nowhere.j2" %}', 1, "there is no template nowhere.j2"),
        ("new_sign_in__txt__j2", "{{ 1 // 0 }}", 1, "zero"),
        ("new_sign_in__txt__j2", "{{ moment(facts.event_time) }}", 1, "the time is missing"),
        ("_unused__j2", "{{", 1, "nexpected"),
        ("_layout__txt__j2", "\n{{ nobody }}", 2, "'nobody' is undefined"),
        ("de___new_sign_in__j2", '{% extends "_notice." ~ part ~ ".j2" %}\n{{ x( }}', 2, "nexpected"),
    ],
)
def test_a_broken_template_is_told_with_file_and_line(
    tmp_path: Path, name: str, content: str, line: int, fault: str
) -> None:
    """Unknown variables and errors of syntax, where they stand."""
    problem = only_problem(write(tmp_path, **{name: content}))
    assert problem.file == str(tmp_path / name.replace("___", "/").replace("__", "."))
    assert problem.line == line
    assert fault in problem.text
    assert str(problem) == f"{problem.file}:{line}: {problem.text}"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("code_sign_up__txt__j2", "Hello", "does not show the code (code_sign_up.txt in"),
        ("code_sign_up__subject__j2", "{{ facts.code }}", "shows the code in the subject"),
        ("new_sign_in__sms__j2", "{# nothing #}", "says nothing"),
        ("new_sign_in__sms__j2", "{{ 'long ' * 400 }}", "longer than 10 short messages"),
        ("new_signin__sms__j2", "Hello", "no message has this name"),
        ("tlh___new_sign_in__sms__j2", "nuqneH", "there is no catalogue for the language tlh"),
        ("de___layout__html__j2", "x", "no message has this name"),
        ("de___de__po", _HEADER, "in the folder above alone"),
        ("klingon__po", _HEADER, "its name must be a language's tag"),
    ],
)
def test_what_would_be_wrong_or_without_effect_is_told(tmp_path: Path, name: str, content: str, fault: str) -> None:
    """A code that is not shown, a file that nobody would read."""
    found = write(tmp_path, **{name: content}).check()
    assert found
    assert {each.file for each in found} == {str(tmp_path / name.replace("___", "/").replace("__", "."))}
    assert all(fault in each.text for each in found)


def test_a_part_of_ours_cannot_be_replaced_for_one_language(tmp_path: Path) -> None:
    """Only whole messages are looked for under a language."""
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "_layout.html.j2").write_text("x")
    assert "only whole messages" in only_problem(MessageRenderer(DOMAIN, tmp_path)).text


def test_files_that_are_not_utf_8_are_told(tmp_path: Path) -> None:
    """Templates and catalogues."""
    (tmp_path / "new_sign_in.txt.j2").write_bytes(b"\xff")
    assert only_problem(MessageRenderer(DOMAIN, tmp_path)).text == "is not UTF-8"
    (tmp_path / "de.po").write_bytes(_HEADER.encode() + b'msgid "\xff"\nmsgstr "x"\n')
    assert Path(only_problem(MessageRenderer(DOMAIN, tmp_path)).file).name == "de.po"


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    """Kubernetes mounts a ConfigMap with folders such as ..2030_01_01."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "nonsense.j2").write_text("{{")
    (tmp_path / ".new_sign_in.html.j2").write_text("{{")
    assert MessageRenderer(DOMAIN, tmp_path).check() == []


def test_what_was_checked_is_what_is_sent(tmp_path: Path) -> None:
    """A file that is broken after the start breaks no message."""
    renderer = write(tmp_path, new_sign_in__subject__j2="Before")
    assert renderer.check() == []
    os.utime(tmp_path / "new_sign_in.subject.j2", (1, 1))
    (tmp_path / "new_sign_in.subject.j2").write_text("{{")
    assert renderer.email("new_sign_in", "en", facts()).subject == "Before"


def test_a_missing_variable_is_an_error_and_not_an_empty_place(tmp_path: Path) -> None:
    """Nothing is sent then."""
    renderer = write(tmp_path, new_sign_in__subject__j2="{% trans who=nobody %}Hello {{ who }}{% endtrans %}")
    with pytest.raises(UndefinedError):
        renderer.email("new_sign_in", "en", facts())


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", "postgresql://app:pw@127.0.0.1:1/hearthgate_challenge")
    monkeypatch.setenv("HEARTHGATE_CODE_PEPPER", new_secret())
    monkeypatch.setenv("HEARTHGATE_SEALING_KEYS", new_secret())


@pytest.mark.usefixtures("_environment")
def test_the_settings_have_no_folder_by_default_and_an_empty_one_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable must not mean the folder that the process was started in."""
    assert load_settings(ChallengeSettings).templates_dir is None
    monkeypatch.setenv("HEARTHGATE_TEMPLATES_DIR", "")
    assert load_settings(ChallengeSettings).templates_dir is None
    assert load_settings(ChallengeSettings).brand == "Hearthgate"


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("name", "value"),
    [("HEARTHGATE_TEMPLATES_DIR", "/nowhere/at/all"), ("HEARTHGATE_BRAND", ""), ("HEARTHGATE_BRAND", "a\nb")],
)
def test_a_folder_that_is_not_there_and_a_brand_that_is_no_line_are_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the name of the setting."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load_settings(ChallengeSettings)
    assert capsys.readouterr().err.startswith(f"{name}: ")


@pytest.mark.usefixtures("_environment")
def test_the_service_is_not_put_together_over_a_broken_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error reads as a line for each fault."""
    (tmp_path / "new_sign_in.html.j2").write_text("\n{{ nobody }}")
    monkeypatch.setenv("HEARTHGATE_TEMPLATES_DIR", str(tmp_path))
    settings = load_settings(ChallengeSettings)
    with pytest.raises(FaultyMessagesError) as caught:
        sound_renderer(settings)
    assert str(caught.value) == f"{tmp_path / 'new_sign_in.html.j2'}:2: 'nobody' is undefined"


@pytest.mark.usefixtures("_environment")
async def test_a_process_over_a_broken_folder_ends_as_with_a_bad_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 78, and one line in the log that names file, line and fault."""
    problem = MessageProblem(file=str(tmp_path / "new_sign_in.html.j2"), line=2, text="'nobody' is undefined")
    monkeypatch.setattr(main, "serve", AsyncMock(side_effect=FaultyMessagesError([problem])))
    with pytest.raises(SystemExit) as caught:
        await main.serve_or_refuse(load_settings(ChallengeSettings))
    assert caught.value.code == 78
    assert str(problem) in capsys.readouterr().out
