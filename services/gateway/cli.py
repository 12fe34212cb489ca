"""The command `hearthgate privacy`: what a person types; the work is done by a running gateway."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import typer

if TYPE_CHECKING:
    from hearthgate.gateway.v1 import privacy_service_pb2 as pb
    from hearthgate.gateway.v1 import privacy_service_pb2_grpc as rpc

ResultT = TypeVar("ResultT")
_POLL_SECONDS: Final = 2.0
_EXPORT_SECONDS: Final = 3_600.0

_GROUP_HELP: Final = """Export and erase what is held about an account, through a running gateway, as its operator.

The gateway's address is given by --gateway or HEARTHGATE_GATEWAY_ADDRESS, the operator's secret by
HEARTHGATE_OPERATOR_SECRET or --secret-file; a gateway of `hearthgate up` needs none. With --tls-ca the connection is
encrypted, and the gateway has to show a certificate of that authority.
"""

_EXPORT_HELP: Final = """Write everything that all services hold about an account into one zip archive.

Inside are a README for the person, a folder for each service with a file of JSON lines for each kind, and manifest.json
with counts and SHA-256 digests. FILE appears when the archive is whole. It holds personal data: only its owner and you
may read the file.

Exit codes: 0 when it is written; 1 when the gateway refused or broke off; 2 when the command was wrong.

Examples:

  hearthgate privacy export 01890a5d-ac96-774b-bcce-b302099a8057 --output ada.zip

  hearthgate privacy export 01890a5d-ac96-774b-bcce-b302099a8057 --output ada.zip --json
"""

_ERASE_HELP: Final = """Have an account closed at once, and erased in every service when its time of grace is over.

The owner is told by email. Until the day comes it can be called off with `hearthgate privacy cancel`; after that there
is no way back. Repeating the command is harmless: it shows how far the erasure is, and sets one in motion again that
had failed. With --at-once there is no grace, also for an erasure that the owner has begun.

Exit codes: 0 when it is under way or done; 1 when the gateway refused, or with --wait when it failed; 2 when the
command was wrong.

Examples:

  hearthgate privacy erase 01890a5d-ac96-774b-bcce-b302099a8057

  hearthgate privacy erase 01890a5d-ac96-774b-bcce-b302099a8057 --at-once --wait --yes
"""

_STATUS_HELP: Final = """Show how far an erasure is, and of one that is done, when and how much was deleted."""

_CANCEL_HELP: Final = """Call an erasure off during its time of grace: the account is open again.

Its devices have to sign in anew. Make sure before that it is the owner who asks.
"""

_Account = Annotated[str, typer.Argument(metavar="ACCOUNT_ID", help="The account's UUID.")]
_ErasureId = Annotated[str, typer.Argument(metavar="ERASURE_ID", help="What `hearthgate privacy erase` has printed.")]
_Gateway = Annotated[
    str, typer.Option("--gateway", metavar="HOST:PORT", envvar="HEARTHGATE_GATEWAY_ADDRESS", help="The gateway.")
]
_SecretFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Holds the operator's secret, and nothing else."),
]
_TlsCa = Annotated[
    Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="PEM file of the authority to trust.")
]
_Secret = Annotated[
    str, typer.Option(envvar="HEARTHGATE_OPERATOR_SECRET", hidden=True, show_envvar=False, show_default=False)
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")]
_LOCAL: Final = "127.0.0.1:7400"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """Where the gateway is, and as whom it is called."""

    address: str
    secret: str
    tls_ca: Path | None

    def __repr__(self) -> str:
        return f"_Target({self.address})"


def register(app: typer.Typer, paragraphs: Callable[[str], str]) -> None:
    """Add the group to the command; ``paragraphs`` makes a help text fit for the terminal."""
    privacy = typer.Typer(
        name="privacy", help=paragraphs(_GROUP_HELP), no_args_is_help=True, pretty_exceptions_enable=False
    )
    for name, text, command in (
        ("export", _EXPORT_HELP, _export),
        ("erase", _ERASE_HELP, _erase),
        ("status", _STATUS_HELP, _status),
        ("cancel", _CANCEL_HELP, _cancel),
    ):
        privacy.command(name=name, help=paragraphs(text))(command)
    app.add_typer(privacy, short_help="Export and erase what is held about an account.")


def _export(
    account_id: _Account,
    output: Annotated[Path, typer.Option(metavar="FILE", dir_okay=False, help="The archive; must not be there yet.")],
    gateway: _Gateway = _LOCAL,
    secret_file: _SecretFile = None,
    tls_ca: _TlsCa = None,
    secret: _Secret = "",
    as_json: _Json = False,
) -> None:
    """Export."""
    account = _uuid(account_id, "ACCOUNT_ID")
    if output.exists():
        raise typer.BadParameter(f"{output} is there already", param_hint="--output")
    target = _target(gateway, secret, secret_file, tls_ca)
    size = _run(target, lambda stub: _write(stub, account, output, quiet=as_json))
    if as_json:
        typer.echo(json.dumps({"account_id": account, "file": str(output), "bytes": size}))
    else:
        typer.echo(f"{output} holds everything about the account ({size:,} bytes). Open its README.txt first.")


def _erase(
    account_id: _Account,
    at_once: Annotated[bool, typer.Option("--at-once", help="Without a time of grace.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show what is deleted until nothing is left.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gateway: _Gateway = _LOCAL,
    secret_file: _SecretFile = None,
    tls_ca: _TlsCa = None,
    secret: _Secret = "",
    as_json: _Json = False,
) -> None:
    """Erase."""
    account = _uuid(account_id, "ACCOUNT_ID")
    if not yes:
        when = "in about a minute, for good" if at_once else "after a time of grace"
        typer.confirm(f"Close account {account} now and erase everything about it {when}?", abort=True, err=True)
    target = _target(gateway, secret, secret_file, tls_ca)
    erasure = _run(target, lambda stub: _erase_on(stub, account, at_once=at_once, wait=wait, quiet=as_json))
    _tell(erasure, as_json=as_json)
    if wait and _state(erasure) != "DONE":
        raise typer.Exit(1)


def _status(
    erasure_id: _ErasureId,
    gateway: _Gateway = _LOCAL,
    secret_file: _SecretFile = None,
    tls_ca: _TlsCa = None,
    secret: _Secret = "",
    as_json: _Json = False,
) -> None:
    """Show."""
    erasure = _uuid(erasure_id, "ERASURE_ID")
    _tell(_run(_target(gateway, secret, secret_file, tls_ca), lambda stub: _look(stub, erasure)), as_json=as_json)


def _cancel(
    erasure_id: _ErasureId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gateway: _Gateway = _LOCAL,
    secret_file: _SecretFile = None,
    tls_ca: _TlsCa = None,
    secret: _Secret = "",
    as_json: _Json = False,
) -> None:
    """Cancel."""
    erasure = _uuid(erasure_id, "ERASURE_ID")
    if not yes:
        typer.confirm("Are you sure that it is the owner who wants to keep the account?", abort=True, err=True)
    target = _target(gateway, secret, secret_file, tls_ca)
    _tell(_run(target, lambda stub: _cancel_on(stub, erasure)), as_json=as_json)


def _run(target: _Target, work: Callable[[rpc.PrivacyServiceStub], Awaitable[ResultT]]) -> ResultT:
    """The result of what is done over a channel; what the gateway refuses ends the command with a sentence."""
    from libs.runtime.errors import ServiceError

    try:
        return asyncio.run(_over_channel(target, work))
    except ServiceError as error:
        typer.echo(_sentence(error), err=True)
        raise typer.Exit(1) from None


async def _over_channel(target: _Target, work: Callable[[rpc.PrivacyServiceStub], Awaitable[ResultT]]) -> ResultT:
    from hearthgate.gateway.v1 import privacy_service_pb2_grpc as rpc
    from libs.rpc.callers import CallerCredentials
    from libs.rpc.channel import ClientTlsFiles, open_channel

    caller = CallerCredentials("operator", target.secret) if target.secret else None
    tls = ClientTlsFiles(authority=target.tls_ca) if target.tls_ca else None
    async with open_channel(target.address, caller=caller, tls=tls) as channel:
        return await work(rpc.PrivacyServiceStub(channel))


async def _write(stub: rpc.PrivacyServiceStub, account_id: str, output: Path, *, quiet: bool) -> int:
    """The archive's size in bytes. It is written beside and renamed, so that a broken one never looks whole."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn

    from hearthgate.gateway.v1 import privacy_service_pb2 as pb
    from libs.rpc.channel import call_stream

    unfinished = output.with_name(output.name + ".part")
    request = pb.ExportAccountAsOperatorRequest(account_id=account_id)
    columns = (SpinnerColumn(), TextColumn("Exporting"), DownloadColumn())
    try:
        with (
            Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as progress,
            _private_file(unfinished) as file,
        ):
            task = progress.add_task("export", total=None)
            size = 0
            async for piece in call_stream(stub.ExportAccountAsOperator, request, timeout=_EXPORT_SECONDS):
                size += file.write(piece.data)
                progress.update(task, completed=size)
        unfinished.rename(output)
        return size
    finally:
        unfinished.unlink(missing_ok=True)


async def _erase_on(
    stub: rpc.PrivacyServiceStub, account_id: str, *, at_once: bool, wait: bool, quiet: bool
) -> pb.Erasure:
    from hearthgate.gateway.v1 import privacy_service_pb2 as pb
    from libs.rpc.channel import call

    request = pb.EraseAccountAsOperatorRequest(account_id=account_id, at_once=at_once)
    erasure = (await call(stub.EraseAccountAsOperator, request)).erasure
    return await _watch(stub, erasure, quiet=quiet) if wait else erasure


async def _watch(stub: rpc.PrivacyServiceStub, erasure: pb.Erasure, *, quiet: bool) -> pb.Erasure:
    """The erasure when it is over. Ctrl-C ends the watching alone."""
    from rich.console import Console

    from libs.runtime.errors import ServiceError

    console = Console(stderr=True, quiet=quiet)
    with console.status("") as status:
        while _state(erasure) in ("CLOSING", "WAITING", "ERASING"):
            rows = sum(each.count for each in erasure.counts)
            step = erasure.next_step.replace("_", " ")
            status.update(f"{_state(erasure).capitalize()}: {step} ({rows:,} rows deleted)")
            await asyncio.sleep(_POLL_SECONDS)
            with suppress(ServiceError):
                erasure = await _look(stub, erasure.erasure_id)
    return erasure


async def _look(stub: rpc.PrivacyServiceStub, erasure_id: str) -> pb.Erasure:
    from hearthgate.gateway.v1 import privacy_service_pb2 as pb
    from libs.rpc.channel import call

    return (await call(stub.GetErasure, pb.GetErasureRequest(erasure_id=erasure_id))).erasure


async def _cancel_on(stub: rpc.PrivacyServiceStub, erasure_id: str) -> pb.Erasure:
    from hearthgate.gateway.v1 import privacy_service_pb2 as pb
    from libs.rpc.channel import call

    return (await call(stub.CancelErasure, pb.CancelErasureRequest(erasure_id=erasure_id))).erasure


def _tell(erasure: pb.Erasure, *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "erasure_id": erasure.erasure_id,
        "state": _state(erasure),
        "request_time": _time(erasure.request_time),
        "erase_time": _time(erasure.erase_time),
        "done_time": _time(erasure.done_time) if erasure.HasField("done_time") else None,
        "next_step": erasure.next_step,
        "deleted": {each.kind: each.count for each in erasure.counts},
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(f"Erasure {erasure.erasure_id}: {_words(told)}")
    for kind, count in told["deleted"].items():
        typer.echo(f"  {count:>9,}  {kind}")


def _words(told: dict[str, Any]) -> str:
    match told["state"]:
        case "CLOSING" | "WAITING":
            return f"the account is closed and will be erased at {told['erase_time']}."
        case "ERASING":
            return f"deleting; next is {told['next_step'].replace('_', ' ')}."
        case "DONE":
            return f"nothing is left since {told['done_time']}."
        case "CANCELLED":
            return "called off; the account is open."
    return f"failed at {told['next_step'].replace('_', ' ')}; look at the gateway's log, mend it, and erase again."


def _target(address: str, secret: str, secret_file: Path | None, tls_ca: Path | None) -> _Target:
    return _Target(address=address, secret=secret_file.read_text().strip() if secret_file else secret, tls_ca=tls_ca)


def _uuid(text: str, name: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise typer.BadParameter("must be a UUID", param_hint=name) from None


def _sentence(error: Any) -> str:
    from libs.rpc.errors import CATALOGUE

    return f"{error.reason}: {CATALOGUE[error.reason].text}"


def _state(erasure: pb.Erasure) -> str:
    from hearthgate.gateway.v1 import privacy_service_pb2 as pb

    return pb.ErasureState.Name(erasure.state).removeprefix("ERASURE_STATE_")


def _time(timestamp: Any) -> str:
    text: str = timestamp.ToDatetime(tzinfo=UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def _private_file(path: Path) -> Any:
    """A new file that its owner alone may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
