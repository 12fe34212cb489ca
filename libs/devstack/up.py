"""`hearthgate up`: everything, until Ctrl-C or until a part crashes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

from libs.devstack.console import UpConsole
from libs.devstack.folder import FolderError
from libs.devstack.process import ServiceFailedError
from libs.devstack.stack import Stack, StackOptions
from libs.persistence.migrations import MigrationError
from libs.runtime.errors import ServiceError
from libs.testing.postgres import PostgresError

_REFUSALS = (FolderError, PostgresError, MigrationError, ServiceError, ServiceFailedError)


def run_up(*, data_dir: Path, fresh: bool, port: int, as_json: bool) -> int:
    """Run the stack; the exit code is 0 after Ctrl-C or SIGTERM, 1 after a crash or where it could not start."""
    console = UpConsole(silent=as_json)
    options = StackOptions(
        data_dir=data_dir,
        fresh=fresh,
        base_port=port or None,
        on_mail=console.mail,
        on_text=console.text,
        on_event=console.event,
        on_warning=console.warning,
    )
    try:
        return asyncio.run(_run(options, console, as_json=as_json))
    except _REFUSALS as error:
        console.failed(str(error))
        return 1
    finally:
        console.settled()


async def _run(options: StackOptions, console: UpConsole, *, as_json: bool) -> int:
    ready, stopping = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(_serve(options, console, ready, stopping, as_json=as_json))

    def stop() -> None:
        # Before it is ready there is nothing to drain: the start is cancelled, which undoes it.
        if ready.is_set():
            stopping.set()
        else:
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await running
    except asyncio.CancelledError:
        return 0


async def _serve(
    options: StackOptions, console: UpConsole, ready: asyncio.Event, stopping: asyncio.Event, *, as_json: bool
) -> int:
    async with Stack.running(options) as stack:
        ready.set()
        if as_json:
            print(json.dumps(describe(stack)), flush=True)
        console.ready(stack)
        crash = await _until_end(stack, stopping)
        console.event("Stopping")
    if crash is not None:
        console.failed(crash)
    return 1 if crash is not None else 0


async def _until_end(stack: Stack, stopping: asyncio.Event) -> str | None:
    """Wait for Ctrl-C (None) or for a crash (what happened)."""
    asked = asyncio.create_task(stopping.wait())
    crashed = asyncio.create_task(stack.failed())
    await asyncio.wait((asked, crashed), return_when=asyncio.FIRST_COMPLETED)
    crash = crashed.result() if crashed.done() else None
    for task in (asked, crashed):
        task.cancel()
    return crash


def describe(stack: Stack) -> dict[str, object]:
    """Everything a program needs to know of a running stack; no secret."""
    services = {name: {"address": at, "pid": stack.process(name).pid} for name, at in stack.addresses.items()}
    return {
        "event": "ready",
        "pid": os.getpid(),
        "data": str(stack.data_dir),
        "services": services,
        "smtp": stack.inbox.url if stack.inbox else None,
        "smsc_port": stack.smsc.port if stack.smsc else None,
    }
