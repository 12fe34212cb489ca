"""The command `hearthgate audit`: what a person types; the work is done elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from services.identity.audit_keys import AuditKeys
    from services.identity.audit_verification import Report

_EX_CONFIG: Final = 78
_URL: Final = "HEARTHGATE_DATABASE_URL"

_GROUP_HELP: Final = """Verify and read identity's audit log: what happened to each account, in a chain of hashes."""

_VERIFY_HELP: Final = """Look at every chain and every anchor, and name what is damaged.

Found are: an event that was edited, moved, forged or deleted; a chain that was cut short, rewritten or deleted as a
whole; anchors that were edited, cut or left out. What was cut off before it was anchored (within
HEARTHGATE_AUDIT_ANCHOR_SECONDS) leaves no trace when its head was set back, too.

It reads with the service's own role, and may run beside the service. Its keys are those of the service, from the
environment: HEARTHGATE_AUDIT_KEYS, HEARTHGATE_CONTACT_KEYS, or both. FILE holds anchors as the service appends them, or
lines of its log. Without it, the database is compared with itself alone: whoever can write there can take the newest
anchors away.

Exit codes: 0 when all is sound; 1 when something is damaged, or could not be read; 2 when the command was wrong; 78
when a setting is missing or bad.

Examples:

  hearthgate audit verify --anchors /var/lib/hearthgate/anchors.jsonl

  hearthgate audit verify --anchors anchors.jsonl --json
"""

_SHOW_HELP: Final = """List what happened to an account, the newest event first, from a running identity service.

Devices and sessions are shown by their ids where the account still has them, else by pseudonyms. It calls as the
operator, with the secret in HEARTHGATE_CALLER_SECRET.

Exit codes: 0; 1 when the service refuses or cannot be reached; 2 when the command was wrong; 78 when a setting is
missing.

Examples:

  hearthgate audit show 0190cafe-0000-7000-8000-000000000001 --address 127.0.0.1:7401

  hearthgate audit show 0190cafe-0000-7000-8000-000000000001 --limit 500 --json
"""


def register_audit(app: typer.Typer, paragraphs: Callable[[str], str]) -> None:
    """Add the commands to an application; ``paragraphs`` makes a help text fit for the terminal."""
    audit = typer.Typer(name="audit", help=_GROUP_HELP, no_args_is_help=True, pretty_exceptions_enable=False)
    audit.command(name="verify", help=paragraphs(_VERIFY_HELP))(_verify)
    audit.command(name="show", help=paragraphs(_SHOW_HELP))(_show)
    app.add_typer(audit, short_help="Verify and read the audit log.")


def _verify(
    database_url: Annotated[
        str, typer.Option(metavar="DSN", envvar=_URL, show_envvar=True, help="identity's database.", show_default=False)
    ] = "",
    anchors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="HEARTHGATE_AUDIT_ANCHOR_FILE", dir_okay=False, help="The anchors outside."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Verify."""
    keys = _keys()
    if not database_url.startswith(("postgresql://", "postgres://")):
        _refuse(f"{_URL}: must be a DSN that begins with postgresql://")
    report = asyncio.run(_look(database_url, keys, anchors, quiet=as_json))
    if as_json:
        from services.identity.audit_job import as_dict

        typer.echo(json.dumps(as_dict(report)))
    else:
        _tell(report)
    raise typer.Exit(0 if report.sound else 1)


async def _look(database_url: str, keys: AuditKeys, anchors: Path | None, *, quiet: bool) -> Report:
    from rich.console import Console
    from rich.progress import Progress

    from libs.runtime.errors import ServiceError
    from services.identity.anchor_file import AnchorFileError
    from services.identity.audit_job import look

    try:
        with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
            task = bar.add_task("Chains", total=None)
            on_total = partial(_set_total, bar, task)
            return await look(database_url, keys, anchors, on_total=on_total, progress=partial(_advance, bar, task))
    except ServiceError as error:
        typer.echo(f"the database could not be read: {error.detail or error.reason}", err=True)
    except AnchorFileError as error:
        typer.echo(str(error), err=True)
    raise typer.Exit(1)


def _set_total(bar: Progress, task: TaskID, total: int) -> None:
    bar.update(task, total=total)


def _advance(bar: Progress, task: TaskID, done: int) -> None:
    bar.update(task, completed=done)


def _keys() -> AuditKeys:
    from services.identity.audit_keys import AuditKeys

    own, contact = (os.environ.get(f"HEARTHGATE_{name}_KEYS", "") for name in ("AUDIT", "CONTACT"))
    try:
        return AuditKeys.from_texts(own, contact)
    except ValueError as error:
        _refuse(f"HEARTHGATE_AUDIT_KEYS, HEARTHGATE_CONTACT_KEYS: {error}")


def _refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(_EX_CONFIG)


def _tell(report: Report) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    if report.findings:
        table = Table("Damage", "Subject", "Sequence", "Anchor", "What", box=SIMPLE_HEAD)
        for each in report.findings:
            places = (each.subject_id or "", each.sequence or "", each.anchor or "")
            table.add_row(each.damage, *map(str, places), each.text)
        Console().print(table)
    typer.echo(f"{report.subjects} chains with {report.events} events, {report.anchors} anchors.")
    if report.newest is not None:
        typer.echo(f"The newest anchor is {report.newest.number}, of {report.newest.time.isoformat()}.")
    if not report.anchors_outside:
        typer.echo("No anchors from outside were given (--anchors): the database was compared with itself alone.")
    typer.echo("All is sound." if report.sound else f"DAMAGED: {report.found} findings.")


def _show(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT_ID", help="The account.")],
    address: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="HEARTHGATE_IDENTITY_ADDRESS", help="identity's address.")
    ] = "127.0.0.1:7401",
    limit: Annotated[int, typer.Option(min=1, help="Events at most.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show."""
    secret = os.environ.get("HEARTHGATE_CALLER_SECRET", "")
    if not secret:
        _refuse("HEARTHGATE_CALLER_SECRET: Field required")
    events = asyncio.run(_fetch(account_id, address, secret, limit))
    if as_json:
        for event in events:
            typer.echo(json.dumps(event))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table("No.", "Time", "Event", "Asked by", "Device", "Session", "Details", "Authentic", box=SIMPLE_HEAD)
    for event in events:
        device = event.get("deviceId") or event.get("devicePseudonym", "")[:8]
        session = event.get("sessionId") or event.get("sessionPseudonym", "")[:8]
        sound = "yes" if event.get("authentic") else "NO"
        words = (event["sequence"], event["time"], event["kind"], event["actor"])
        table.add_row(*words, device, session, event["details"], sound)
    Console().print(table)


async def _fetch(account_id: str, address: str, secret: str, limit: int) -> list[dict[str, Any]]:
    from google.protobuf.json_format import MessageToDict

    from hearthgate.identity.v1 import audit_service_pb2 as pb
    from hearthgate.identity.v1 import audit_service_pb2_grpc as rpc
    from libs.rpc.callers import CallerCredentials
    from libs.rpc.channel import call, open_channel
    from libs.runtime.errors import ServiceError

    events: list[dict[str, Any]] = []
    token = ""
    try:
        async with open_channel(address, caller=CallerCredentials("operator", secret)) as channel:
            stub = rpc.AuditServiceStub(channel)
            while len(events) < limit:
                request = pb.ListAuditEventsRequest(
                    account_id=account_id, page_size=min(500, limit - len(events)), page_token=token
                )
                answer = await call(stub.ListAuditEvents, request, timeout=10)
                events += [MessageToDict(each) for each in answer.events]
                token = answer.next_page_token
                if not token:
                    break
    except ServiceError as error:
        fields = ", ".join(each.field for each in error.fields)
        typer.echo(f"identity refused: {error.reason} {fields}".rstrip(), err=True)
        raise typer.Exit(1) from None
    return events
