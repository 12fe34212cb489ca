"""The command `hearthgate templates`: what a person types; the work is done elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from services.challenge.messages.preview import PreviewedMessage
    from services.challenge.messages.problems import MessageProblem
    from services.challenge.messages.renderer import MessageRenderer

_SAMPLE_DOMAIN: Final = "hearthgate.example"

_GROUP_HELP: Final = """See and check the messages that people get: emails and texts, in every language.

A folder of your own changes them without a change of code; the service takes it from HEARTHGATE_TEMPLATES_DIR. It holds
any of:

  new_sign_in.html.j2      one part of a message (subject, txt, html, sms)

  _layout.html.j2          any file of ours, by its name

  de/new_sign_in.txt.j2    a message's part in one language

  de.po                    German words that go before ours

  nl.po                    a new language, as a whole, from messages.pot

A template of yours reaches the one in whose place it stands as builtin/<name>.
"""

_PREVIEW_HELP: Final = """Write every message into a folder, to be looked at in a browser.

DIR/index.html shows them side by side at the width of a phone: each email, and each text with the number of short
messages that it takes. DIR/<language>/<kind>.html, .txt and .sms.txt are the parts by themselves. The facts in them are
made up. Files of an earlier preview are written over; nothing is deleted.

Exit codes: 0 when all is written; 1 when a template or catalogue is faulty (see `hearthgate templates check`); 2 when
the command was wrong.

Examples:

  hearthgate templates preview --out preview                        all of them

  hearthgate templates preview --out preview -l ar -k new_sign_in   one message in Arabic

  hearthgate templates preview --out preview --templates-dir ours --brand "Lumen TV"
"""

_CHECK_HELP: Final = """Make every message once with sample facts, and list what is wrong.

That is what the service does at its start, where any fault ends it with exit code 78. Found are: errors of syntax,
unknown variables, a code that is not shown, files that no message uses, and in catalogues: missing or wrong
placeholders and plural forms, fuzzy entries, sentences that are not translated or that no template says.

Exit codes: 0 when all is fine; 1 when anything is wrong; 2 when the command was.

Examples:

  hearthgate templates check                           the messages as they come

  hearthgate templates check --templates-dir ours      with a folder of your own

  hearthgate templates check --templates-dir ours --json
"""

_TemplatesDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", exists=True, file_okay=False, help="A folder of templates and catalogues of your own."),
]
_Brand = Annotated[str, typer.Option(help="What the messages call the service.")]


def register(app: typer.Typer, paragraphs: Callable[[str], str]) -> None:
    """Add the commands to an application; ``paragraphs`` makes a help text fit for the terminal."""
    templates = typer.Typer(
        name="templates", help=paragraphs(_GROUP_HELP), no_args_is_help=True, pretty_exceptions_enable=False
    )
    templates.command(name="preview", help=paragraphs(_PREVIEW_HELP))(_preview)
    templates.command(name="check", help=paragraphs(_CHECK_HELP))(_check)
    app.add_typer(templates, short_help="See and check the messages that people get.")


def _preview(
    out: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Where to write; made if it is not there.")],
    language: Annotated[
        list[str] | None, typer.Option("--language", "-l", metavar="TAG", help="Only this one; may be repeated.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", "-k", metavar="KIND", help="Only this one; may be repeated.")
    ] = None,
    templates_dir: _TemplatesDir = None,
    brand: _Brand = "Hearthgate",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as one JSON object.")] = False,
) -> None:
    """Write a preview."""
    from services.challenge.messages.kinds import KINDS
    from services.challenge.messages.preview import write_preview

    renderer = _renderer(templates_dir, brand)
    languages = _chosen("--language", language, renderer.languages.tags)
    kinds = _chosen("--kind", kind, KINDS)
    problems = renderer.check()
    if problems:
        _tell_problems(problems, as_json=as_json, languages=renderer.languages.tags)
        raise typer.Exit(1)
    try:
        written = write_preview(renderer, out, languages=languages, kinds=kinds)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}", param_hint="--out") from None
    _tell_written(out, written, as_json=as_json)


def _check(
    templates_dir: _TemplatesDir = None,
    brand: _Brand = "Hearthgate",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check."""
    renderer = _renderer(templates_dir, brand)
    problems = renderer.check()
    _tell_problems(problems, as_json=as_json, languages=renderer.languages.tags)
    raise typer.Exit(1 if problems else 0)


def _renderer(templates_dir: Path | None, brand: str) -> MessageRenderer:
    from services.challenge.messages.renderer import MessageRenderer

    return MessageRenderer(_SAMPLE_DOMAIN, templates_dir, brand=brand)


def _chosen(option: str, wanted: list[str] | None, choices: Sequence[str]) -> list[str]:
    """The wanted ones, or all; a wrong one ends the command with the choices."""
    unknown = [each for each in wanted or () if each not in choices]
    if unknown:
        raise typer.BadParameter(f"there is no {unknown[0]}; there are {', '.join(choices)}", param_hint=option)
    return [each for each in choices if not wanted or each in wanted]


def _tell_problems(problems: Sequence[MessageProblem], *, as_json: bool, languages: Sequence[str]) -> None:
    if as_json:
        found = [{"file": each.file, "line": each.line, "text": each.text} for each in problems]
        typer.echo(json.dumps({"ok": not problems, "languages": list(languages), "problems": found}))
        return
    for problem in problems:
        typer.echo(str(problem), err=True)
    if not problems:
        typer.echo(f"Every message can be made, in {', '.join(languages)}.")


def _tell_written(out: Path, written: Sequence[PreviewedMessage], *, as_json: bool) -> None:
    index = out / "index.html"
    if as_json:
        typer.echo(json.dumps({"index": str(index), "messages": [each.as_dict() for each in written]}))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table("Language", "Message", "Subject", "Texts", box=SIMPLE_HEAD)
    for each in written:
        table.add_row(each.language, each.kind, each.subject, f"{each.segments} × {each.encoding}")
    Console().print(table)
    typer.echo(f"Open {index} in a browser.")
