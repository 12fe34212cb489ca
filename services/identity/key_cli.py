"""The commands `hearthgate identity ...`: what a person types; the work is done elsewhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from services.identity.key_job import KeySettings
    from services.identity.key_rotation import KeyUse, Progress, Rotation

_GROUP_HELP: Final = """Look after the keys of contacts: email addresses and phone numbers.

Both commands work on the database of HEARTHGATE_DATABASE_URL with the keys of HEARTHGATE_CONTACT_KEYS, as the service
is told them: label:base64url, commas between, the first one current.
"""

_ROTATE_HELP: Final = """Bring every account under the first key, so that an older one can be dropped.

Each account's data key is wrapped under the first key; contacts directly under a key are sealed under the account's
own; addresses are entered under the first key. Contacts themselves are not touched again. It runs beside the service,
whose processes must all know the first key; it may be broken off and run again.

A rotation from A to B, each step everywhere before the next: A; A,B; B,A; this command with B,A; B; and this command
with B,A and --retire, which deletes the hashes of addresses under A. Then A is gone. docs/deployment.md has the steps.

Exit codes: 0 when all is done; 1 when it was broken off, or something cannot be read under any key; 78 for wrong
settings.

Examples:

  hearthgate identity rotate-keys --dry-run              what would be done

  hearthgate identity rotate-keys                        with a bar

  hearthgate identity rotate-keys --json --retire        for a program
"""

_KEYS_HELP: Final = """Count what stands under each key, to see when an old one may go.

An older key may leave the service's list when no data key and no contact stands under it, and every account is found
under the first one. Answers to repeated requests are compared under the key of their time: wait for their retention
(30 days from the day on which the newer key came first), or a repeat as late as that is refused.

Exit codes: 0; 1 when the database failed; 78 for wrong settings.
"""


def register_keys(app: typer.Typer, paragraphs: Callable[[str], str]) -> None:
    """Add the commands to an application; ``paragraphs`` makes a help text fit for the terminal."""
    identity = typer.Typer(
        name="identity", help=paragraphs(_GROUP_HELP), no_args_is_help=True, pretty_exceptions_enable=False
    )
    identity.command(name="rotate-keys", help=paragraphs(_ROTATE_HELP))(_rotate_keys)
    identity.command(name="keys", help=paragraphs(_KEYS_HELP))(_keys)
    app.add_typer(identity, short_help="Look after the keys of contacts.")


def _rotate_keys(
    retire: Annotated[
        bool, typer.Option("--retire", help="Delete the hashes of addresses under the other keys, too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is to be done, and do nothing.")] = False,
    after: Annotated[
        UUID | None, typer.Option(metavar="ACCOUNT", help="Go on after this account, where an earlier run ended.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Accounts read at once.", min=1, max=10_000)] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and no bar.")] = False,
) -> None:
    """Rotate."""
    from libs.runtime.settings import EX_CONFIG, load_settings
    from services.identity.contact_keys import ContactForm
    from services.identity.key_job import FORM_IS_DIRECT, BrokenOffError, KeySettings
    from services.identity.key_rotation import NO_ACCOUNT, Rotation

    settings = load_settings(KeySettings)
    if settings.contact_form is ContactForm.DIRECT:
        typer.echo(FORM_IS_DIRECT, err=True)
        raise typer.Exit(EX_CONFIG)
    rotation = Rotation(retire=retire, dry_run=dry_run, after=after or NO_ACCOUNT, batch=batch)
    try:
        progress = _run(settings, rotation, with_bar=not as_json)
    except BrokenOffError as broken:
        _tell(broken.progress, as_json=as_json, dry_run=dry_run, error=str(broken))
        raise typer.Exit(1) from None
    _tell(progress, as_json=as_json, dry_run=dry_run)
    raise typer.Exit(1 if progress.unreadable else 0)


def _keys(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Count."""
    from libs.runtime.errors import ServiceError
    from libs.runtime.settings import load_settings
    from services.identity.key_job import KeySettings, run_key_use, use_as_dict

    try:
        use, behind = asyncio.run(run_key_use(load_settings(KeySettings)))
    except ServiceError as error:
        typer.echo(f"{error.reason}: {error.detail}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(use_as_dict(use, behind)))
    else:
        _show(use, behind)


def _run(settings: KeySettings, rotation: Rotation, *, with_bar: bool) -> Progress:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from services.identity.key_job import run_rotation

    with Bar(console=Console(stderr=True)) if with_bar else nullcontext() as bar:
        return asyncio.run(run_rotation(settings, rotation, *_followed_by(bar)))


def _followed_by(bar: Bar | None) -> tuple[Callable[[int], None], Callable[[Progress], None]]:
    if bar is None:
        return (lambda _: None), (lambda _: None)
    task = bar.add_task("accounts", total=None)
    return (
        lambda total: bar.update(task, total=total),
        lambda progress: bar.update(task, completed=progress.accounts),
    )


def _tell(progress: Progress, *, as_json: bool, dry_run: bool, error: str = "") -> None:
    values = progress.as_dict() | ({"error": error} if error else {})
    if as_json:
        typer.echo(json.dumps(values))
        return
    typer.echo("To be done:" if dry_run else "Done:")
    for name, value in values.items():
        if name not in {"last", "error"}:
            typer.echo(f"  {name.replace('_', ' ')}: {value}")
    if error:
        typer.echo(f"Broken off: {error}\nGo on with --after {progress.last}", err=True)


def _show(use: list[KeyUse], behind: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table("Key", "Data keys", "Contacts directly", "Addresses", box=SIMPLE_HEAD)
    for number, each in enumerate(use):
        label = "not said, or not in the list" if each.label is None else each.label
        row = (each.data_keys, each.direct_contacts, each.addresses)
        table.add_row(f"{label} (current)" if number == 0 else label, *map(str, row))
    Console().print(table)
    typer.echo(f"Accounts whose address is not entered under the current key: {behind}")
