"""The report: the engine and each baseline in worlds of their own, since people react to what they are answered."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from typing import Any, Final

from services.device_trust.replay.records import Answer, Judge, Record
from services.device_trust.simulation.aims import judged
from services.device_trust.simulation.baselines import BASELINES
from services.device_trust.simulation.figures import FigureCollector
from services.device_trust.simulation.parameters import Parameters, load_parameters
from services.device_trust.simulation.world.world import World

ENGINE: Final = "engine"
BASELINE_SHARE: Final = 0.5
"""Accounts of a baseline's worlds, as a share of the engine's: their figures are far apart, so fewer will do."""
_BOOTSTRAP: Final = 200
_POLL_SECONDS: Final = 0.2

Progress = Callable[[float], None]
"""Told the share of the work that is done, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportOptions:
    """What to simulate. ``accounts`` are the engine's in all seeds together; without seeds, the report's own."""

    accounts: int
    days: int
    seeds: tuple[int, ...] | None = None
    parameters: Path | None = None
    baselines: bool = True
    jobs: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One judge in one world: what a process does at a time."""

    index: int
    judge: str
    seed: int
    accounts: int
    days: int
    parameters: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that was found: ``figures`` as JSON says it, and the curves of each judge."""

    figures: dict[str, Any]
    curves: dict[str, dict[str, Any]]


def run_report(options: ReportOptions, progress: Progress) -> Report:
    """Simulate, and tell the engine's figures, with those of the baselines and the aims beside them."""
    parameters = load_parameters(options.parameters)
    seeds = options.seeds or parameters.report_seeds
    collectors = _gather(plan(options, seeds), options.jobs, progress)
    figures = {judge: collector.figures(bootstrap=_BOOTSTRAP) for judge, collector in collectors.items()}
    engine = figures.pop(ENGINE)
    return Report(
        figures={
            **engine,
            "baselines": figures,
            "parameters": _described(parameters, options, seeds),
            "aims": judged(engine),
        },
        curves={judge: collector.curves(bootstrap=_BOOTSTRAP) for judge, collector in collectors.items()},
    )


def plan(options: ReportOptions, seeds: Sequence[int]) -> list[Shard]:
    """A shard for each judge and seed, the accounts shared out evenly among the seeds; the longest work first."""
    judges = {ENGINE: options.accounts}
    if options.baselines:
        judges |= dict.fromkeys(BASELINES, round(options.accounts * BASELINE_SHARE))
    pairs = [(judge, accounts, seed) for judge, accounts in judges.items() for seed in seeds]
    return [
        Shard(
            index=index,
            judge=judge,
            seed=seed,
            accounts=max(accounts // len(seeds), 1),
            days=options.days,
            parameters=options.parameters,
        )
        for index, (judge, accounts, seed) in enumerate(pairs)
    ]


def run_shard(shard: Shard, progress: Progress) -> FigureCollector:
    """Let one judge judge one world."""
    world = World(
        load_parameters(shard.parameters), seed=shard.seed, use="report", accounts=shard.accounts, days=shard.days
    )
    collector = FigureCollector(f"{shard.seed}/")

    def on_answer(record: Record, answer: Answer) -> None:
        actor = world.actor_of.get((record.account, record.device_id))
        persona = world.persona_of.get(record.account)
        collector.add(record, answer, persona, actor, very_targeted=actor in world.very_targeted)

    world.run(_judge(shard.judge), on_answer, progress)
    return collector


def _judge(name: str) -> Judge:
    if name == ENGINE:
        # Figures and baselines stand by themselves, so that they can be tried without the engine.
        from services.device_trust.replay.engine import Engine

        return Engine()
    return BASELINES[name]()


def _gather(shards: Sequence[Shard], jobs: int, progress: Progress) -> dict[str, FigureCollector]:
    """Run all shards, ``jobs`` at a time in processes of their own, and put together what belongs to a judge."""
    context = multiprocessing.get_context("spawn")
    done = context.Array("d", len(shards))
    collectors: dict[str, FigureCollector] = {}
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_keep, initargs=(done,)) as pool:
        futures = [pool.submit(_run_in_process, shard) for shard in shards]
        try:
            _follow(futures, done, progress)
            # In the order of the shards, so that a report does not hang on which process was faster.
            for shard, future in zip(shards, futures, strict=True):
                collectors.setdefault(shard.judge, FigureCollector()).merge(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return collectors


def _follow(futures: Sequence[Future[FigureCollector]], done: SynchronizedArray[float], progress: Progress) -> None:
    pending = set(futures)
    while pending:
        finished, pending = wait(pending, timeout=_POLL_SECONDS)
        for future in finished:
            future.result()
        progress(sum(done[:]) / len(futures))


_done: SynchronizedArray[float] | None = None
"""In a process of the pool: how far each shard is, shared with the process that asked."""


def _keep(done: SynchronizedArray[float]) -> None:
    global _done
    _done = done
    # Ctrl-C reaches every process of a terminal; one traceback of it, the asking process's, is enough.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _run_in_process(shard: Shard) -> FigureCollector:
    def progress(share: float) -> None:
        if _done is not None:
            _done[shard.index] = share

    collector = run_shard(shard, progress)
    progress(1.0)
    return collector


def _described(parameters: Parameters, options: ReportOptions, seeds: Sequence[int]) -> dict[str, Any]:
    """What was simulated, so that anyone can do it again."""
    return {
        "accounts": options.accounts,
        "days": options.days,
        "seeds": list(seeds),
        "baseline_accounts": round(options.accounts * BASELINE_SHARE) if options.baselines else 0,
        "development_seeds": list(parameters.development_seeds),
        "families": {
            use: {
                table: [name for name, family in getattr(parameters, table).items() if family.use == use]
                for table in ("households", "outsiders", "thieves")
            }
            for use in ("development", "report")
        },
    }
