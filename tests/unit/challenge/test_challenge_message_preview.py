"""`hearthgate templates`: the preview, the check, their help and wrong use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from libs.devstack import cli
from services.challenge.messages.kinds import KINDS
from tests.unit.challenge.message_world import LANGUAGES, HtmlReader


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output of `hearthgate templates`, in a terminal that is wide enough."""
    runner = CliRunner(env={"COLUMNS": "240", "TERM": "dumb", "NO_COLOR": "1"})
    result = runner.invoke(cli.app, ["templates", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["preview", "check", "HEARTHGATE_TEMPLATES_DIR", "messages.pot", "builtin/"]),
        (
            ["preview", "--help"],
            ["--out", "--language", "--kind", "--templates-dir", "--brand", "--json", "Exit codes", "Examples"],
        ),
        (["check", "--help"], ["--templates-dir", "--brand", "--json", "Exit codes", "Examples"]),
    ],
)
def test_help_names_every_option_and_gives_examples(arguments: list[str], words: list[str]) -> None:
    """What goes in, what comes out."""
    code, output = run(*arguments)
    assert code == 0
    assert [word for word in words if word not in output] == []


def test_a_preview_has_every_message_and_a_page_that_shows_them(tmp_path: Path) -> None:
    """HTML for a browser, the text part, the short message; each shown in a frame on the page."""
    code, output = run("preview", "--out", str(tmp_path / "new"), "--json")
    assert code == 0
    told = json.loads(output)
    assert len(told["messages"]) == len(KINDS) * len(LANGUAGES)
    page = HtmlReader(Path(told["index"]).read_text(encoding="utf-8"))
    frames = {attributes["src"] for tag, attributes in page.elements if tag == "iframe"}
    assert frames == {message["html"] for message in told["messages"]}
    for message in told["messages"]:
        for part in ("html", "txt", "sms"):
            assert (tmp_path / "new" / message[part]).stat().st_size > 0
    directions = {attributes["dir"] for tag, attributes in page.elements if tag == "article"}
    assert directions == {"ltr", "rtl"}


def test_a_preview_of_some_messages_tells_how_many_short_messages_each_text_takes(tmp_path: Path) -> None:
    """As a table for a person."""
    code, output = run("preview", "--out", str(tmp_path), "-l", "ar", "-l", "en", "-k", "code_sign_up")
    assert code == 0
    assert "2 × UCS2" in output
    assert "1 × GSM7" in output
    assert str(tmp_path / "index.html") in output.replace("\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ar", "en", "index.html"]
    text = (tmp_path / "ar" / "code_sign_up.sms.txt").read_text(encoding="utf-8")
    assert text.endswith("\n@hearthgate.example #012345\n")


def test_a_preview_shows_ones_own_templates_and_brand(tmp_path: Path) -> None:
    """Also the languages that the folder adds."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "new_sign_in.subject.j2").write_text("Hi from {{ brand }}")
    out = tmp_path / "out"
    code, _ = run("preview", "--out", str(out), "--templates-dir", str(own), "--brand", "Lumen & Co", "-l", "en")
    assert code == 0
    assert (out / "en" / "new_sign_in.txt").read_text().startswith("Subject: Hi from Lumen & Co\n")
    assert "Hi from Lumen &amp; Co" in (out / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["preview", "--out", "x", "--kind", "nonsense"], ["--kind", "nonsense", *KINDS]),
        (["preview", "--out", "x", "--language", "tlh"], ["--language", "tlh", *LANGUAGES]),
        (["preview"], ["--out"]),
        (["preview", "--out", "x", "--templates-dir", "/nowhere"], ["--templates-dir", "/nowhere"]),
        (["check", "--templates-dir", "/nowhere"], ["--templates-dir", "/nowhere"]),
        (["preview", "--out", "/proc/nowhere"], ["--out", "cannot be written"]),
    ],
)
def test_wrong_use_ends_with_2_and_names_the_choices(arguments: list[str], words: list[str]) -> None:
    """And writes nothing."""
    code, output = run(*arguments)
    assert code == 2
    assert [word for word in words if word not in output] == []
    assert not Path("x").exists()


def test_a_check_of_the_messages_as_they_come_finds_nothing() -> None:
    """For a person and for a program."""
    assert run("check") == (0, "Every message can be made, in en, ar, de, es, fr, ja.\n")
    code, output = run("check", "--json")
    assert (code, json.loads(output)) == (0, {"ok": True, "languages": LANGUAGES, "problems": []})


def test_a_check_lists_what_is_wrong_and_ends_with_1(tmp_path: Path) -> None:
    """A preview of it says the same, and is not written."""
    broken = tmp_path / "new_sign_in.html.j2"
    broken.write_text("\n{{ nobody }}")
    assert run("check", "--templates-dir", str(tmp_path)) == (1, f"{broken}:2: 'nobody' is undefined\n")
    code, output = run("check", "--templates-dir", str(tmp_path), "--json")
    problem = {"file": str(broken), "line": 2, "text": "'nobody' is undefined"}
    assert (code, json.loads(output)["problems"]) == (1, [problem])
    code, output = run("preview", "--out", str(tmp_path / "out"), "--templates-dir", str(tmp_path))
    assert (code, "'nobody' is undefined" in output) == (1, True)
    assert not (tmp_path / "out").exists()
