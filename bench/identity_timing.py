"""Whether the time of an answer tells that an address has an account.

Starts two suites of real processes on this machine, with a PostgreSQL each: one as it is delivered, and a negative
control, whose identity checks no password where there is no account and whose gateway holds no answer back. Each is
asked for known and unknown addresses in turns, in random order, one question at a time. Each takes 0.4 s, by design:

  SignIn              a wrong password, for an address with an account and for one without
  SignUp              a taken and a free address
  StartPasswordReset  an address with an account and one without
  older hash          no network: a password checked against a hash from before the passes went from 2 to 3, and against
                      one of today's; the control is the check as the library does it

  AUC     the chance that the known one of a pair took longer (Mann-Whitney's U over all pairs): 0.5 tells nothing, 1
          tells all; with its 95 % interval by bootstrap
  shift   of the known ones against the unknown, in ms (Hodges-Lehmann), with its 95 % interval

"indistinguishable" is said where the whole interval of the AUC lies within 0.1 of 0.5, "told apart" where it lies
outside, "undecided" where it does neither: then take more. The control must be told apart, or the run proves nothing.

Exit codes: 0 when it was measured and every control was told apart; 1 when not, or when the suites can't be started.

Examples:

  python -m bench.identity_timing                     a table, in about ten minutes
  python -m bench.identity_timing --pairs 60          a first look
  python -m bench.identity_timing --json | jq '.rows[].auc'
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import argon2
import grpc
import uvloop
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.arguments import parser, positive
from bench.flooder import WRONG_PASSWORD
from bench.households import PASSWORD, Home, device, make_homes
from bench.timing import machine
from bench.two_samples import Comparison, compare
from libs.devstack.device import Device, Person
from libs.devstack.folder import FolderError
from libs.devstack.process import ServiceFailedError
from libs.devstack.stack import Stack, StackOptions
from libs.persistence.migrations import MigrationError
from libs.runtime.errors import ServiceError
from libs.runtime.logging import configure_logging
from libs.testing.postgres import PostgresError
from services.identity.passwords import Argon2idHasher

_GUESSES: Final = 40
"""At one address, at most: beyond 50 in a row passwords are not compared any more."""
_HOMES: Final = 20
"""At least; as many as the pairs of sign-ins need."""
_MEMORY_KIB: Final = 19_456
# What limits codes and guesses would answer some of the questions by a shorter way.
_NO_LIMITS: Final = {
    "challenge": {
        "HEARTHGATE_SENDS_PER_ACCOUNT": "1000",
        "HEARTHGATE_SENDS_PER_DESTINATION": "1000",
        "HEARTHGATE_SENDS_PER_NETWORK": "100000",
        "HEARTHGATE_SPENDING_PER_DAY": "1000",
    },
    "identity": {
        "HEARTHGATE_PASSWORD_GUESSES": "50",
        "HEARTHGATE_PASSWORD_GUESSES_PER_NETWORK": "1000000",
    },
}


@dataclass(kw_only=True, slots=True)
class Row:
    """One question to one suite: how long it took for known and for unknown addresses, in ms."""

    name: str
    control: bool
    known: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """A running suite, its accounts, as many addresses without one, and who asks."""

    stack: Stack
    homes: list[Home]
    nobodies: list[str]
    asker: Device
    control: bool


async def run(pairs: int, bar: Progress) -> dict[str, Any]:
    """Measure, and tell the figures as JSON says them."""
    rows: list[Row] = []
    async with AsyncExitStack() as stack:
        task = bar.add_task("Starting two suites", total=8)
        homes = max(_HOMES, -(-pairs // _GUESSES))
        suites = [await _suite(stack, homes, control=control) for control in (False, True)]
        bar.advance(task)
        for name, ask, again in _QUESTIONS:
            bar.update(task, description=name)
            made = [Row(name=name, control=suite.control) for suite in suites]
            for number in range(pairs):
                for suite, row in random.sample(list(zip(suites, made, strict=True)), 2):
                    await _pair(suite, row, ask, number, again=again)
            rows += made
            bar.advance(task, 2)
    rows += _older_hashes(pairs)
    return {
        "benchmark": "identity.timing",
        "machine": machine(),
        "rows": [{"name": row.name, "control": row.control, **_compared(row).as_json()} for row in rows],
    }


async def _suite(stack: AsyncExitStack, count: int, *, control: bool) -> Suite:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hearthgate-timing-"))
    options = StackOptions(
        data_dir=Path(folder) / "data",
        base_port=None,
        durable=False,
        overrides={**_NO_LIMITS, "gateway": {"HEARTHGATE_ALIKE_MILLISECONDS": "0"} if control else {}},
        modules={"identity": "bench.naive_identity"} if control else {},
    )
    running = await stack.enter_async_context(Stack.running(options))
    homes, nobodies = await make_homes(running, count), [_nobody() for _ in range(count)]
    return Suite(stack=running, homes=homes, nobodies=nobodies, asker=device(running), control=control)


def _nobody() -> str:
    return f"{uuid4().hex}@example.com"


async def _pair(
    suite: Suite, row: Row, ask: Callable[[Device, str], Awaitable[object]], number: int, *, again: bool
) -> None:
    """A known and an unknown address, in random order; ``again``: each as often as the other."""
    which = number % len(suite.homes)
    known = (row.known, suite.homes[which].owner.email)
    unknown = (row.unknown, suite.nobodies[which] if again else _nobody())
    for times, email in random.sample([known, unknown], 2):
        began = time.perf_counter()
        await ask(suite.asker, email)
        times.append((time.perf_counter() - began) * 1000)


async def _sign_in(asker: Device, email: str) -> None:
    try:
        await asker.sign_in(Person(name="Ada", email=email, password=WRONG_PASSWORD))
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
            raise


async def _sign_up(asker: Device, email: str) -> None:
    await asker.sign_up(Person(name="Ada", email=email, password=PASSWORD))


async def _reset(asker: Device, email: str) -> None:
    await asker.start_password_reset(email)


_QUESTIONS: Final = (
    # Wrong passwords are counted, so both addresses of a pair are to have the same number behind them.
    ("SignIn", _sign_in, True),
    ("SignUp", _sign_up, False),
    ("StartPasswordReset", _reset, False),
)


def _older_hashes(pairs: int) -> list[Row]:
    """Known: an account from before the last change of parameters; unknown: nobody's hash, of today's."""
    old = Argon2idHasher(memory_kib=_MEMORY_KIB, passes=2, lanes=1).hash(PASSWORD)
    today = Argon2idHasher(memory_kib=_MEMORY_KIB, passes=3, lanes=1)
    nobodys = today.hash(PASSWORD)
    plain = argon2.PasswordHasher()

    def as_the_library_does(password_hash: str, password: str) -> None:
        try:
            plain.verify(password_hash, password)
        except argon2.exceptions.VerifyMismatchError:
            return

    rows = []
    for control, check in ((False, today.verify), (True, as_the_library_does)):
        row = Row(name="older hash", control=control)
        for _ in range(pairs):
            for times, password_hash in random.sample([(row.known, old), (row.unknown, nobodys)], 2):
                began = time.perf_counter()
                check(password_hash, WRONG_PASSWORD)
                times.append((time.perf_counter() - began) * 1000)
        rows.append(row)
    return rows


def _compared(row: Row) -> Comparison:
    return compare(row.known, row.unknown)


def _show(figures: Mapping[str, Any]) -> None:
    console, where = Console(), figures["machine"]
    table = Table(title="Known against unknown addresses", title_justify="left", box=SIMPLE_HEAD)
    for column in ("", "Pairs", "Known ms", "Unknown ms", "AUC (95 %)", "Shift ms (95 %)", ""):
        table.add_column(column, justify="right" if column else "left")
    for row in figures["rows"]:
        table.add_row(
            row["name"] + (", control" if row["control"] else ""),
            f"{row['known']}",
            f"{row['known_ms']:.1f}",
            f"{row['unknown_ms']:.1f}",
            f"{row['auc']:.2f} ({row['auc_low']:.2f} to {row['auc_high']:.2f})",
            f"{row['shift_ms']:.2f} ({row['shift_low_ms']:.2f} to {row['shift_high_ms']:.2f})",
            row["verdict"],
        )
    console.print(table)
    console.print(
        f"{where['cpu']}, {where['cpus']} CPUs, load {where['load']:g}; Python {where['python']}.",
        style="dim",
        highlight=False,
    )


def main() -> int:
    """Runs the command line; the result is the exit code."""
    command = parser("bench.identity_timing", __doc__)
    command.add_argument("--pairs", type=positive, default=200, metavar="N", help="pairs of a question (default: 200)")
    options = command.parse_args()
    configure_logging("bench", "ERROR")
    notes = Console(stderr=True)
    try:
        with Progress(console=notes, transient=True, auto_refresh=False, disable=not notes.is_terminal) as bar:
            figures = uvloop.run(run(options.pairs, bar))
    except (FolderError, PostgresError, MigrationError, ServiceError, ServiceFailedError) as error:
        notes.print(str(error), markup=False, highlight=False)
        return 1
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0 if all(row["verdict"] == "told apart" for row in figures["rows"] if row["control"]) else 1


if __name__ == "__main__":
    sys.exit(main())
