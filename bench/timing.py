"""Timing, shared by the benchmarks: a quiet process, blocks of calls with their CPU time, medians and ratios.

A figure of one machine and one hour tells little, so that each benchmark measures a floor, too, in turns with what it
is about; the ratio to the floor is what can be compared.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_NANOSECONDS: Final = 1_000


@dataclass(kw_only=True, slots=True)
class Calls:
    """One thing, called in blocks, one block a round. Times in microseconds."""

    wall: list[list[float]] = field(default_factory=list)
    """Of each call, by round."""
    cpu: list[float] = field(default_factory=list)
    """Of a call, on average, by round: all threads of this process, in the kernel too, and nothing of PostgreSQL."""

    async def block(self, call: Callable[[], Awaitable[object]], calls: int) -> None:
        """Call it in a row, and keep what that took."""
        walls = []
        began = time.process_time_ns()
        for _ in range(calls):
            before = time.perf_counter_ns()
            await call()
            walls.append((time.perf_counter_ns() - before) / _NANOSECONDS)
        self.cpu.append((time.process_time_ns() - began) / calls / _NANOSECONDS)
        self.wall.append(walls)

    def figures(self) -> dict[str, float]:
        """The median over rounds, and for the wall clock the 99th percentile of all calls."""
        every = sorted(each for block in self.wall for each in block)
        return {
            "wall_us": median(self.medians()),
            "wall_p99_us": round(every[min(len(every) - 1, int(len(every) * 0.99))], 1),
            "cpu_us": median(self.cpu),
        }

    def medians(self) -> list[float]:
        """The wall clock's median, by round."""
        return [statistics.median(block) for block in self.wall]


def median(values: Sequence[float], digits: int = 1) -> float:
    """The median, rounded to what can be told apart."""
    return round(statistics.median(values), digits)


def ratio(values: Sequence[float], floor: Sequence[float]) -> float:
    """How many times the floor: the median of the rounds' ratios, so that a slow round is slow for both."""
    return median([value / least for value, least in zip(values, floor, strict=True)], digits=2)


@contextmanager
def undisturbed() -> Iterator[None]:
    """No collection of garbage within the block; what is alive before it is left out of later ones."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def machine() -> dict[str, Any]:
    """Where the figures are from."""
    return {
        "cpu": _cpu_name(),
        "cpus": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
