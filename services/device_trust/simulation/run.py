"""The command `hearthgate simulate`: runs the report, and shows it as a table or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from services.device_trust.simulation import report as reports
from services.device_trust.simulation.aims import AIMS
from services.device_trust.simulation.parameters import ParametersError

DEFAULT_ACCOUNTS: Final = 600
DEFAULT_DAYS: Final = 440
DEFAULT_JOBS: Final = 2
EXIT_FINE: Final = 0
EXIT_PARAMETERS: Final = 1
_WIDTH_OF_A_FILE: Final = 110
_SHORT_NAMES: Final = {
    "always_code": "Codes",
    "ip_equality_31": "Same IP",
    "adobe_speed": "Speed",
    "freeman": "Freeman",
}


def run_simulate(
    *,
    accounts: int = DEFAULT_ACCOUNTS,
    days: int = DEFAULT_DAYS,
    seeds: list[int] | None = None,
    parameters: Path | None = None,
    plots: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
    baselines: bool = True,
    jobs: int = DEFAULT_JOBS,
) -> int:
    """Simulate and show the figures on standard output; the result is the exit code.

    0 is fine, also where an aim is missed; 1: the parameters can't be used. ``plots`` is a folder to draw into.
    Progress goes to standard error where that is a terminal, and nothing but the figures is told when ``quiet``.
    """
    options = reports.ReportOptions(
        accounts=accounts,
        days=days,
        seeds=tuple(seeds) if seeds else None,
        parameters=parameters,
        baselines=baselines,
        jobs=jobs,
    )
    notes = Console(stderr=True, quiet=quiet)
    try:
        with _progress(notes) as progress:
            report = reports.run_report(options, progress)
    except ParametersError as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False)
        return EXIT_PARAMETERS
    _show(report.figures, as_json=as_json)
    if plots is not None:
        _draw(plots, report.curves, notes)
    return EXIT_FINE


@contextmanager
def _progress(notes: Console) -> Iterator[reports.Progress]:
    """A bar on a terminal; nothing elsewhere, where it would only fill a log."""
    columns = (TextColumn("Simulating"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    bar = Progress(
        *columns,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
        disable=not notes.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _draw(directory: Path, curves: dict[str, dict[str, Any]], notes: Console) -> None:
    # matplotlib takes a second to load, which only those who want plots need to wait for.
    from services.device_trust.simulation.plots import write_plots

    for path in write_plots(directory, curves):
        notes.print(f"Drawn: {path}", markup=False, highlight=False, soft_wrap=True)


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    console.print(_aims_table(figures))
    console.print(_families_table(figures))
    console.print(_foot(figures), style="dim", highlight=False)


def _aims_table(figures: dict[str, Any]) -> Table:
    """Each aim, the engine's figure, and the baselines'."""
    table = _table("Hearthgate beside its aims and the baselines", "Figure", "Aim", "Engine [95 %]")
    for name in figures["baselines"]:
        table.add_column(_SHORT_NAMES.get(name, name), justify="right")
    for key, aim in AIMS.items():
        mark = "[green]✓[/]" if figures["aims"][key]["met"] else "[red]✗[/]"
        others = [_number(aim.pick(found)) for found in figures["baselines"].values()]
        table.add_row(aim.title, f"≤ {aim.most:g}", f"{_number(aim.pick(figures), whole=True)} {mark}", *others)
    table.add_section()
    for title, group in (("Thieves asked, as judged", "thief"), ("Very targeted ones asked", "very_targeted")):
        others = [_number(found[group]["asked_rate"]) for found in figures["baselines"].values()]
        table.add_row(title, "", f"{_number(figures[group]['asked_rate'], whole=True)}  ", *others)
    return table


def _table(title: str, first: str, *others: str) -> Table:
    """A table that leaves 80 columns to its cells rather than to lines."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first)
    for column in others:
        table.add_column(column, justify="right")
    return table


def _families_table(figures: dict[str, Any]) -> Table:
    """The outsiders, each family as it is, whether an aim speaks of it or not."""
    columns = ("Accounts", "Days in 90", "Days in 365", "Asked", "Refused")
    table = _table("Outsiders as the engine let them play", "Family", *columns)
    for family, found in figures["outsiders"]["by_family"].items():
        days = (_number(found[f"outsider_days_{horizon}"], whole=True) for horizon in (90, 365))
        shares = (_number(found[key]) for key in ("asked_share", "refused_share"))
        table.add_row(family, str(found["accounts"]), *days, *shares)
    return table


def _foot(figures: dict[str, Any]) -> str:
    counts, parameters = figures["counts"], figures["parameters"]
    seeds = ", ".join(str(seed) for seed in parameters["seeds"])
    return (
        f"{counts['accounts']} accounts over {parameters['days']} days, seeds {seeds}: {counts['sign_ins']} sign-ins "
        f"and {counts['starts']} starts judged; baselines on {parameters['baseline_accounts']} accounts each."
    )


def _number(triple: list[float] | None, *, whole: bool = False) -> str:
    """The estimate; with its interval when ``whole``."""
    if triple is None:
        return "–"
    estimate, low, high = (f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}" for value in triple)
    return rf"{estimate} \[{low}, {high}]" if whole else estimate
