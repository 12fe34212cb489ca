"""What AssessDevice of device_trust costs with 10, 1,000 and 10,000 sightings taken in.

Starts a PostgreSQL of its own, lets a household's sightings in through the real use cases, and assesses a guest's
television, which goes the longest way through the rules. What is measured is measured in turns, round by round: the
three accounts, and a floor, the same connection reading one row by its primary key. Takes about 15 seconds.

  sightings   taken in over ninety days by ten devices on twelve networks
  bytes       of the account's history, which is all that is kept of them
  statements  that PostgreSQL ran for one assessment; each is a round trip
  wall        of the use case: our code, the driver, PostgreSQL; median and 99th percentile
  CPU         of this process for the same: our code, the driver, the kernel's share of its sockets
  driver      CPU of this process for the same statement through the driver's own pool, among the other steps
  ours        CPU of all our code in a call: the use case less the driver, the request read and the answer written
  pure        the part of it that awaits nothing: the request read, the fetched row judged, the answer written
  × floor     the figure beside the same of the floor, in the same round: what can be compared between machines

Figures are medians over rounds, in microseconds, with the garbage collector held back. Compare ratios, of runs on an
idle machine. Exit codes: 0 when it was measured, whatever the figures; 1 when the database can't be made.

Examples:

  python -m bench.device_trust_assess                            two tables
  python -m bench.device_trust_assess --rounds 20                a first look, in some seconds
  python -m bench.device_trust_assess --json | jq '.rows[].ours_us'
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import uvloop
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from bench.arguments import parser, positive
from bench.device_trust_accounts import VISITOR, Account, Accounts, Advance
from bench.service_database import ServiceDatabase, service_database
from bench.timing import Calls, machine, median, ratio, undisturbed
from libs.persistence.migrations import MigrationError
from libs.runtime.logging import configure_logging
from libs.testing.postgres import PostgresError

SIGHTINGS: Final = (10, 1_000, 10_000)
BUDGET_US: Final = 150
"""Of our own CPU for one assessment."""
_FLOOR: Final = "/* bench.floor: one row by its primary key */ select account_id from household where account_id = $1"
_WARM_UP_CALLS: Final = 200
_COUNTED_CALLS: Final = 50
_MAKING: Final = 0.1
"""The share of the time that goes into making accounts."""
_WIDTH_OF_A_FILE: Final = 110


async def run(rounds: int, calls: int, advance: Advance) -> dict[str, Any]:
    """Make the accounts, measure, and tell the figures as JSON says them."""
    async with service_database("device_trust") as database:
        maker = Accounts(database)
        await maker.make_neighbours()
        shares = (_MAKING * count / sum(SIGHTINGS) for count in SIGHTINGS)
        accounts = [
            await maker.make(count, partial(_part, advance, share))
            for count, share in zip(SIGHTINGS, shares, strict=True)
        ]
        await database.analyze()
        floor = await _measure(database, accounts, rounds, calls, partial(_part, advance, 1 - _MAKING))
        return {
            "benchmark": "device_trust.assess",
            "machine": {**machine(), "postgres": await database.server_version()},
            "rounds": rounds,
            "calls_per_round": calls,
            "budget_us": BUDGET_US,
            "floor": floor.figures(),
            "rows": [_figures(account, floor) for account in accounts],
            "growth": _growth(accounts),
        }


async def _measure(
    database: ServiceDatabase, accounts: Sequence[Account], rounds: int, calls: int, advance: Advance
) -> Calls:
    """All of it in turns, so that what slows the machine down slows everything down; returns the floor."""
    floor = Calls()

    def read_one() -> Awaitable[object]:
        return database.app.fetch_row(_FLOOR, accounts[0].account_id)

    for account in accounts:
        # The first calls prepare the statement, and show the planner that one plan will do for all.
        for call in (account.assess, read_one):
            await Calls().block(call, _WARM_UP_CALLS)
        before = await database.statements()
        await Calls().block(account.assess, _COUNTED_CALLS)
        account.statements = (await database.statements() - before) / _COUNTED_CALLS
    for _ in range(rounds):
        with undisturbed():
            for account in accounts:
                await account.calls.block(account.assess, calls)
            await floor.block(read_one, calls)
            for account in accounts:
                for visit in account.visits.values():
                    await visit.block(calls)
        advance(1 / rounds)
    return floor


def _figures(account: Account, floor: Calls) -> dict[str, Any]:
    return {
        "sightings": account.sightings,
        "history_bytes": account.history_bytes,
        "devices": account.devices,
        "networks": account.networks,
        "statements": account.statements,
        **account.calls.figures(),
        "driver_us": median(account.visits[VISITOR].steps["driver"]),
        "ours_us": median(account.ours()),
        "pure_us": median(account.pure()),
        "wall_to_floor": ratio(account.calls.medians(), floor.medians()),
        "cpu_to_floor": ratio(account.calls.cpu, floor.cpu),
        "ours_to_floor_cpu": ratio(account.ours(), floor.cpu),
        "by_step_us": {step: median(values) for step, values in account.visits[VISITOR].steps.items()},
        "pure_by_visitor_us": {name: median(visit.pure) for name, visit in account.visits.items()},
        "standings": {name: visit.standing for name, visit in account.visits.items()},
    }


_GROWING: Final[dict[str, Callable[[Account], list[float]]]] = {
    "wall": lambda account: account.calls.medians(),
    "cpu": lambda account: account.calls.cpu,
    "ours": Account.ours,
    "pure": Account.pure,
}


def _growth(accounts: Sequence[Account]) -> dict[str, dict[str, float]]:
    """The account with most sightings beside each other one: 1 where taking more in makes nothing dearer."""
    *others, largest = accounts
    return {
        figure: {str(account.sightings): ratio(pick(largest), pick(account)) for account in others}
        for figure, pick in _GROWING.items()
    }


def _part(advance: Advance, whole: float, share: float) -> None:
    advance(whole * share)


def _show(figures: dict[str, Any]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    console.print(_costs(figures))
    console.print(_steps(figures))
    console.print(_foot(figures), style="dim", highlight=False)


def _costs(figures: dict[str, Any]) -> Table:
    columns = ("Bytes", "Statements", "Wall", "p99", "CPU", "Driver", "Ours", "Pure", "Wall × floor", "CPU × floor")
    table = _table("AssessDevice, in µs", "Sightings", *columns)
    for row in figures["rows"]:
        numbers = (f"{row['history_bytes']:,}", f"{row['statements']:g}")
        names = ("wall_us", "wall_p99_us", "cpu_us", "driver_us", "ours_us", "pure_us")
        ratios = (f"{row[name]:.2f}" for name in ("wall_to_floor", "cpu_to_floor"))
        table.add_row(f"{row['sightings']:,}", *numbers, *(f"{row[name]:.0f}" for name in names), *ratios)
    table.add_section()
    times = (f"{figures['floor'][name]:.0f}" for name in ("wall_us", "wall_p99_us", "cpu_us"))
    table.add_row("floor", "", "1", *times, "", "", "", "1", "1")
    return table


def _steps(figures: dict[str, Any]) -> Table:
    """Where the pure part goes, and what it is for others than the guest."""
    first = figures["rows"][0]
    columns = ("Devices", "Networks", *first["by_step_us"], *first["pure_by_visitor_us"])
    table = _table("Its steps for the guest, and its pure part for each visitor, in µs of CPU", "Sightings", *columns)
    for row in figures["rows"]:
        times = (*row["by_step_us"].values(), *row["pure_by_visitor_us"].values())
        counts = (str(row["devices"]), str(row["networks"]))
        table.add_row(f"{row['sightings']:,}", *counts, *(f"{time:.0f}" for time in times))
    return table


def _foot(figures: dict[str, Any]) -> str:
    where, least = figures["machine"], SIGHTINGS[0]
    grown = ", ".join(f"{name} {beside[str(least)]:.2f}" for name, beside in figures["growth"].items())
    return (
        f"{SIGHTINGS[-1]:,} sightings cost so many times what {least:,} do: {grown}.\n"
        f"Budget for ours: {figures['budget_us']} µs. {figures['rounds']} rounds of {figures['calls_per_round']} calls "
        f"each.\n{where['cpu']}, {where['cpus']} CPUs, load {where['load']:g}; Python {where['python']}, "
        f"PostgreSQL {where['postgres']}."
    )


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first)
    for column in others:
        table.add_column(column, justify="right")
    return table


@contextmanager
def _progress() -> Iterator[Advance]:
    """A bar on a terminal; nothing elsewhere, where it would only fill a log."""
    notes = Console(stderr=True)
    columns = (TextColumn("Measuring"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    bar = Progress(
        *(*columns, TimeElapsedColumn(), TimeRemainingColumn()),
        console=notes,
        transient=True,
        # A thread that draws would be measured with the rest.
        auto_refresh=False,
        disable=not notes.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=1.0)

        def advance(share: float) -> None:
            bar.advance(task, share)
            bar.refresh()

        yield advance


def main() -> int:
    """Runs the command line; the result is the exit code."""
    command = parser("bench.device_trust_assess", __doc__)
    command.add_argument("--rounds", type=positive, default=60, metavar="N", help="rounds to measure (default: 60)")
    command.add_argument(
        "--calls", type=positive, default=50, metavar="N", help="calls of each in a round (default: 50)"
    )
    options = command.parse_args()
    configure_logging("bench", "WARNING")
    try:
        with _progress() as advance:
            figures = uvloop.run(run(options.rounds, options.calls, advance))
    except (PostgresError, MigrationError) as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False)
        return 1
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
