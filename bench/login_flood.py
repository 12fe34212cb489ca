"""What a flood of sign-ins does to the starts of streams: nothing, it is hoped.

Starts two suites of real processes on this machine, with a PostgreSQL each: one as it is delivered (but for 50 guesses
at an address at once), one whose passwords have no bulkhead (many at once, a long queue, no gate). Televisions press
play at a steady rate, each a cold StartStream that is stopped when it was answered; and in turns, round by round, in
random order, beside them:

  alone       nobody
  refused     as many malformed sign-ins a second, which the gateway refuses at once: what the sending itself costs here
  flood       sign-ins with wrong passwords out of 512 networks, some for addresses with an account: no limit on guesses
              is reached, each that gets a place is compared
  one network the same out of one, which after 300 is refused
  no bulkhead the same, in the suite without one: the negative control

  p50, p99    of StartStream, from the moment at which it was due until it was answered, in ms, of all rounds
  ratio       p99 beside that of "alone" in the same suite; the interval is of the bootstrap, over starts
  errors      starts that failed; answers of the sign-ins stand beside

Sender and suites share the processors here, so that "refused" is the floor to look at beside "flood".
Exit codes: 0 when it was measured, whatever the figures; 1 when the suites can't be started.

Examples:

  python -m bench.login_flood                          a table, in about five minutes
  python -m bench.login_flood --rounds 1 --seconds 8   a first look
  python -m bench.login_flood --json | jq .ratio
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
import uvloop
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.arguments import parser, positive
from bench.flooder import NETWORKS, Flood, Flooder, flooder
from bench.households import Home, make_homes
from bench.timing import machine
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as pb
from hearthgate.gateway.v1 import playback_service_pb2_grpc as rpc
from libs.devstack.folder import FolderError
from libs.devstack.process import ServiceFailedError
from libs.devstack.stack import Stack, StackOptions
from libs.persistence.migrations import MigrationError
from libs.runtime.errors import ServiceError
from libs.runtime.logging import configure_logging
from libs.testing.postgres import PostgresError

MANY_GUESSES: Final = {"HEARTHGATE_PASSWORD_GUESSES": "50"}
"""Of the few addresses with an account, in all rounds."""
UNBOUNDED: Final = {
    "identity": {
        **MANY_GUESSES,
        "HEARTHGATE_PASSWORD_THREADS": "8",
        "HEARTHGATE_PASSWORD_WAITERS": "1000",
    },
    "gateway": {"HEARTHGATE_SIGN_INS_AT_ONCE": "10000"},
}
_HOMES: Final = 8
_WARM_UP: Final = 2.0
_DRAWS: Final = 2_000
_DRAIN: Final = 1.0


@dataclass(kw_only=True, slots=True)
class Arm:
    """One thing to measure: a suite, what is sent beside the starts, and what came of it."""

    suite: str
    beside: str
    networks: int = NETWORKS
    latencies: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """A running suite with its accounts."""

    stack: Stack
    homes: list[Home]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int
    starts: int
    sign_ins: int


async def run(plan: Plan, bar: Progress) -> dict[str, Any]:
    """Measure, and tell the figures as JSON says them."""
    arms = {
        "alone": Arm(suite="delivered", beside=""),
        "refused": Arm(suite="delivered", beside="refused"),
        "flood": Arm(suite="delivered", beside="sign-ins"),
        "one network": Arm(suite="delivered", beside="sign-ins", networks=1),
        "alone, no bulkhead": Arm(suite="unbounded", beside=""),
        "no bulkhead": Arm(suite="unbounded", beside="sign-ins"),
    }
    task = bar.add_task("Starting two suites", total=plan.rounds * len(arms) + 1)
    async with AsyncExitStack() as stack:
        suites = {
            "delivered": await _suite(stack, {"identity": MANY_GUESSES}),
            "unbounded": await _suite(stack, UNBOUNDED),
        }
        flood = await stack.enter_async_context(flooder())
        bar.update(task, advance=1, description="Measuring")
        for _ in range(plan.rounds):
            for arm in random.sample(list(arms.values()), len(arms)):
                await _measure(plan, suites[arm.suite], arm, flood)
                bar.advance(task)
    return _figures(plan, arms)


async def _suite(stack: AsyncExitStack, overrides: Mapping[str, Mapping[str, str]]) -> Suite:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hearthgate-flood-"))
    options = StackOptions(data_dir=Path(folder) / "data", base_port=None, durable=False, overrides=overrides)
    running = await stack.enter_async_context(Stack.running(options))
    return Suite(stack=running, homes=await make_homes(running, _HOMES))


async def _measure(plan: Plan, suite: Suite, arm: Arm, flood: Flooder) -> None:
    """One round of an arm: the flood runs a while before the first start that counts, and to the end."""
    beside: asyncio.Task[Counter[str]] | None = None
    if arm.beside:
        known = tuple(home.owner.email for home in suite.homes) if arm.beside == "sign-ins" else ()
        seconds = plan.seconds + 2 * _WARM_UP
        target = suite.stack.addresses["gateway"]
        order = Flood(target=target, rate=plan.sign_ins, seconds=seconds, known=known, networks=arm.networks)
        beside = asyncio.create_task(flood.send(order))
    await _play(suite, Arm(suite="", beside=""), plan.starts, _WARM_UP)
    await _play(suite, arm, plan.starts, plan.seconds)
    if beside is not None:
        arm.answers += await beside
    await asyncio.sleep(_DRAIN)


async def _play(suite: Suite, arm: Arm, rate: float, seconds: float) -> None:
    """Press play ``rate`` times a second, on one television after the other, however long the answers take."""
    starts, began = [], time.perf_counter()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        starts.append(asyncio.create_task(_start(suite.homes[number % len(suite.homes)], arm, due)))
    await asyncio.gather(*starts)


async def _start(home: Home, arm: Arm, due: float) -> None:
    tv = home.tv
    try:
        answer = await tv.play("film-lighthouse")
    except grpc.aio.AioRpcError as error:
        arm.errors[error.code().name] += 1
        return
    arm.latencies.append((time.perf_counter() - due) * 1000)
    arm.outcomes[decision_pb.Outcome.Name(answer.outcome)] += 1
    if answer.HasField("stream"):
        stream_id = answer.stream.stream_id
        request = pb.StopStreamRequest(session_token=tv.session_token, stream_id=stream_id, client=tv.context())
        await rpc.PlaybackServiceStub(tv.channel).StopStream(request)


def _figures(plan: Plan, arms: Mapping[str, Arm]) -> dict[str, Any]:
    rows = {
        name: _row(arm, arms["alone" if arm.suite == "delivered" else "alone, no bulkhead"])
        for name, arm in arms.items()
    }
    return {
        "benchmark": "login_flood",
        "machine": machine(),
        "rounds": plan.rounds,
        "seconds_per_round": plan.seconds,
        "starts_per_second": plan.starts,
        "sign_ins_per_second": plan.sign_ins,
        "ratio": rows["flood"]["ratio"],
        "ratio_of_refused": rows["refused"]["ratio"],
        "ratio_of_one_network": rows["one network"]["ratio"],
        "ratio_without_bulkhead": rows["no bulkhead"]["ratio"],
        "arms": rows,
    }


def _row(arm: Arm, alone: Arm) -> dict[str, Any]:
    low, high = _interval(arm.latencies, alone.latencies)
    return {
        "starts": len(arm.latencies),
        "p50_ms": _percentile(arm.latencies, 50),
        "p99_ms": _percentile(arm.latencies, 99),
        "ratio": round(_percentile(arm.latencies, 99) / _percentile(alone.latencies, 99), 2),
        "ratio_low": low,
        "ratio_high": high,
        "outcomes": dict(arm.outcomes),
        "errors": dict(arm.errors),
        "answers": dict(arm.answers),
    }


def _percentile(values: Sequence[float], share: float) -> float:
    return round(float(np.percentile(values, share)), 1)


def _interval(values: Sequence[float], alone: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the ratio of the 99th percentiles, by bootstrap over starts."""
    random_source = np.random.default_rng(1)
    tops = [
        np.percentile(random_source.choice(each, (_DRAWS, len(each))), 99, axis=1)
        for each in (np.array(values), np.array(alone))
    ]
    low, high = np.percentile(tops[0] / tops[1], [2.5, 97.5])
    return round(float(low), 2), round(float(high), 2)


def _show(figures: Mapping[str, Any]) -> None:
    console, where = Console(), figures["machine"]
    table = Table(title="Starts beside a flood of sign-ins", title_justify="left", box=SIMPLE_HEAD)
    for column in ("", "Starts", "p50 ms", "p99 ms", "× alone (95 %)", "Errors", "Answers to sign-ins"):
        table.add_column(column, justify="left" if column in ("", "Answers to sign-ins") else "right")
    for name, row in figures["arms"].items():
        answers = ", ".join(f"{count:,} {reason.lower()}" for reason, count in row["answers"].items())
        ratio = f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
        errors = sum(row["errors"].values())
        cells = (f"{row['starts']:,}", f"{row['p50_ms']}", f"{row['p99_ms']}", ratio, f"{errors}", answers)
        table.add_row(name, *cells)
    console.print(table)
    console.print(
        f"{figures['starts_per_second']} starts and {figures['sign_ins_per_second']} sign-ins a second, "
        f"{figures['rounds']} rounds of {figures['seconds_per_round']} s. {where['cpu']}, {where['cpus']} CPUs for "
        f"everything, load {where['load']:g}; Python {where['python']}.",
        style="dim",
        highlight=False,
    )


def main() -> int:
    """Runs the command line; the result is the exit code."""
    command = parser("bench.login_flood", __doc__)
    command.add_argument("--rounds", type=positive, default=4, metavar="N", help="rounds to measure (default: 4)")
    command.add_argument(
        "--seconds", type=positive, default=10, metavar="N", help="of each arm in a round (default: 10)"
    )
    command.add_argument("--starts", type=positive, default=20, metavar="N", help="starts a second (default: 20)")
    command.add_argument("--sign-ins", type=positive, default=200, metavar="N", help="sign-ins a second (default: 200)")
    options = command.parse_args()
    configure_logging("bench", "ERROR")
    notes = Console(stderr=True)
    plan = Plan(rounds=options.rounds, seconds=options.seconds, starts=options.starts, sign_ins=options.sign_ins)
    try:
        with Progress(console=notes, transient=True, auto_refresh=False, disable=not notes.is_terminal) as bar:
            figures = uvloop.run(run(plan, bar))
    except (FolderError, PostgresError, MigrationError, ServiceError, ServiceFailedError) as error:
        notes.print(str(error), markup=False, highlight=False)
        return 1
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
