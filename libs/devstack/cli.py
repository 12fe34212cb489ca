"""The command `hearthgate`."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from libs.devstack.retention import register as register_retention
from services.challenge.cli import register as register_messages
from services.device_trust.cli import register
from services.gateway.cli import register as register_privacy
from services.identity.cli import register as register_identity

app = typer.Typer(
    name="hearthgate",
    help="Decides whether a video stream may start. Run the whole suite on this machine, or see its story told.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _paragraphs(text: str) -> str:
    """A help text whose paragraphs are wrapped by the terminal; what is indented stays as it is."""
    parts = (part.strip("\n") for part in text.split("\n\n"))
    return "\n\n".join(part if part.startswith(" ") else " ".join(part.split()) for part in parts)


_UP_HELP = _paragraphs("""Start everything on this machine, and end it with Ctrl-C.

A real PostgreSQL, the five services as processes of their own, a local mail server and a local SMSC (SMPP 3.4), whose
mails and texts are shown as they arrive. When all is ready, lines to paste are printed.

A variable in the environment takes the place of a part:

  HEARTHGATE_DATABASE_URL   a superuser's DSN; databases and roles are made there

  HEARTHGATE_SMTP_URL       smtp://user:password@host:port, or smtps://

  HEARTHGATE_TEXT_URL       smpp://system_id:password@host:port

  OTEL_EXPORTER_OTLP_ENDPOINT   where traces and metrics go; off without it

The crash of one part ends everything, with the reason, and exit code 1. A service that you end with SIGTERM is started
again, as in a rolling restart. Secrets are made once and kept in the data folder, so that a restart on the same data
finds every account.

Examples:

  hearthgate up                     data in .hearthgate, ports from 7400

  hearthgate up --fresh             the same, from nothing

  hearthgate up --port 0 --json     free ports, told to a program as one line
""")

_DEMO_HELP = _paragraphs("""Tell the whole story once, with real parts, and check every step.

A household plays; a stolen password is stopped and shut out; friends' televisions verify by email, by text, or later;
one is refused after its deadline and makes an own account; a phone gets its downloads planned.

The last line is one JSON object with the outcome and decision id of each step. Exit code 1 when a step comes out wrong.
""")


@app.command(help=_UP_HELP)
def up(
    data: Annotated[Path, typer.Option(help="Folder of data, secrets and logs; kept between runs.")] = Path(
        ".hearthgate"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete what the data folder holds, and begin anew.")] = False,
    port: Annotated[
        int, typer.Option(help="The gateway's port; the leaves take those after it. 0: free ones.", min=0, max=65530)
    ] = 7400,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line with every address when ready, and nothing else.")
    ] = False,
) -> None:
    """Start everything."""
    from libs.devstack.up import run_up

    raise typer.Exit(run_up(data_dir=data, fresh=fresh, port=port, as_json=as_json))


@app.command(help=_DEMO_HELP)
def demo(
    data: Annotated[
        Path | None, typer.Option(help="Keep the data in this folder; a temporary one is used without.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary folder, and say where it is.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "--json", help="Print the last line alone: JSON.")] = False,
) -> None:
    """Tell the story."""
    from libs.devstack.demo.run import run_demo

    raise typer.Exit(run_demo(data_dir=data, keep=keep, quiet=quiet))


register(app, _paragraphs)
register_messages(app, _paragraphs)
register_privacy(app, _paragraphs)
register_identity(app, _paragraphs)
register_retention(app, _paragraphs)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hearthgate {version()}")
        raise typer.Exit


def version() -> str:
    """The version that stands in pyproject.toml."""
    try:
        return metadata.version("hearthgate")
    except metadata.PackageNotFoundError:
        import tomllib

        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text())["project"]["version"])


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Decides whether a video stream may start."""


if __name__ == "__main__":
    app()
