"""The figures as pictures: the engine beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator, PercentFormatter

Curves = Mapping[str, Any]
"""What a collector's ``curves`` tells of a judge."""

ENGINE: Final = "engine"
_NAMES: Final = {
    ENGINE: "Hearthgate",
    "always_code": "code for every new device",
    "ip_equality_31": "same address in 31 days",
    "adobe_speed": "impossible speed",
    "freeman": "Freeman et al. 2016",
}
# Okabe and Ito (2008), told apart by the colour-blind too; markers and dashes say the same without any colour.
_COLOURS: Final = ("#000000", "#E69F00", "#56B4E9", "#CC79A7", "#009E73", "#D55E00", "#0072B2", "#F0E442")
_DASHES: Final[tuple[Any, ...]] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)), (0, (3, 3)))
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "oo", "--", "++")
_STYLE: Final[dict[Any, Any]] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "savefig.dpi": 150,
}
_LEAST_SHARE: Final = 1e-4
_POINTS_OF_A_RULE: Final = 3
_FAMILY_COLUMNS: Final = 3
_CHANCES: Final = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
"""Ticks of the scale on which small chances and near certainties can both be told."""
_QUESTIONS: Final = {"household": "Is it the household?", "outsider": "Is it an outsider?", "thief": "Is it a thief?"}


def write_plots(directory: Path, curves_by_judge: Mapping[str, Curves]) -> list[Path]:
    """Draw roc.png, outsider_days.png, calibration.png and asked_by_persona.png into a folder; their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, Callable[[Mapping[str, Curves]], Figure]] = {
        "roc.png": _roc,
        "outsider_days.png": _outsider_days,
        "calibration.png": _calibration,
        "asked_by_persona.png": _asked_by_persona,
    }
    paths = []
    # A Figure made without pyplot draws with Agg and needs no display.
    with mpl.rc_context(_STYLE):
        for name, draw in drawings.items():
            paths.append(directory / name)
            draw(curves_by_judge).savefig(paths[-1])
    return paths


def _styles(judges: Mapping[str, Curves]) -> Iterator[tuple[Curves, dict[str, Any]]]:
    for index, (judge, curves) in enumerate(judges.items()):
        style: dict[str, Any] = {"color": _COLOURS[index % len(_COLOURS)], "linestyle": _DASHES[index % len(_DASHES)]}
        yield curves, {**style, "linewidth": 2.4 if judge == ENGINE else 1.5, "label": _NAMES.get(judge, judge)}


def _legend(figure: Figure, axes: Axes) -> None:
    """One legend for all axes, below them."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        # A legend wider than its figure would be cut; its rows are as even as can be.
        rows = -(-len(labels) // max(int(figure.get_figwidth() / 2.4), 1))
        columns = -(-len(labels) // rows)
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=3.2)


def _roc(judges: Mapping[str, Curves]) -> Figure:
    figure = Figure(figsize=(12.5, 4.8))
    thief, targeted, trade_off = figure.subplots(1, 3)
    _draw_roc(thief, judges, "thief", "Any thief")
    _draw_roc(targeted, judges, "very_targeted", "Very targeted thieves")
    _draw_trade_off(trade_off, judges)
    figure.suptitle("How often the household is asked where thieves are: the nearer to the top left, the better")
    _legend(figure, thief)
    return figure


def _draw_roc(axes: Axes, judges: Mapping[str, Curves], attackers: str, title: str) -> None:
    for curves, style in _styles(judges):
        points = curves["roc"][attackers]
        x = [max(share, _LEAST_SHARE) for share in points["household"]]
        if len(x) <= _POINTS_OF_A_RULE:
            # A rule that knows but yes and no has one point between asking nobody and asking all.
            style = {**style, "linestyle": "none", "marker": "o", "markersize": 8}
            axes.plot(x[1:-1], points["attackers"][1:-1], **style)
        else:
            axes.plot(x, points["attackers"], drawstyle="steps-post", **style)
    axes.set(xscale="log", xlim=(_LEAST_SHARE, 1), ylim=(-0.02, 1.02), title=title)
    axes.set(xlabel="Household sign-ins asked (log scale)", ylabel="Thieves' first sign-ins asked")
    axes.xaxis.set_major_formatter(FuncFormatter(_as_percent))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _draw_trade_off(axes: Axes, judges: Mapping[str, Curves]) -> None:
    curves = next(iter(judges.values()))["trade_off"]
    name = _NAMES.get(next(iter(judges)), next(iter(judges)))
    for index, (who, label) in enumerate(
        (("thief", "any thief"), ("very_targeted", "very targeted thief"), ("household", "household"))
    ):
        if curves[who]:
            axes.plot(
                curves["threshold"], curves[who], color=_COLOURS[(0, 5, 6)[index]], ls=_DASHES[index], label=label
            )
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), title=f"{name}: what a threshold asks")
    axes.set(xlabel="Threshold of the thief score (probability)", ylabel="Sign-ins asked")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    if axes.lines:
        axes.legend(loc="best")


def _as_percent(share: float, _: object) -> str:
    return f"{round(100 * share, 4):g} %"


def _outsider_days(judges: Mapping[str, Curves]) -> Figure:
    families = sorted({family for curves in judges.values() for family in curves["outsider_days"]})
    columns = max(min(len(families), _FAMILY_COLUMNS), 1)
    rows = max(-(-len(families) // columns), 1)
    figure = Figure(figsize=(4.4 * columns, 3.4 * rows + 0.9))
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, family in zip(grid.flat, families, strict=False):
        _draw_days(axes, judges, family)
    for axes in list(grid.flat)[len(families) :]:
        axes.set_visible(False)
    figure.suptitle("Days on which outsiders could play, since their first try (mean of accounts)")
    _legend(figure, grid.flat[0])
    return figure


def _draw_days(axes: Axes, judges: Mapping[str, Curves], family: str) -> None:
    for curves, style in _styles(judges):
        days = curves["outsider_days"].get(family, [])
        axes.plot(range(len(days)), days, **style)
    axes.set(title=family.replace("_", " "), xlim=(0, 365))
    axes.set(xlabel="Days since the account's first outsider", ylabel="Days with an allowed start")
    axes.set_ylim(bottom=0)
    axes.set_xticks([0, 90, 180, 270, 365])


def _calibration(judges: Mapping[str, Curves]) -> Figure:
    figure = Figure(figsize=(12.5, 4.9))
    grid = figure.subplots(1, 3, sharey=True)
    for axes, (hypothesis, question) in zip(grid, _QUESTIONS.items(), strict=True):
        axes.plot(_CHANCES, _CHANCES, color="0.6", linewidth=1, label="as promised")
        for curves, style in _styles(judges):
            points = curves["reliability"][hypothesis]
            if points["score"]:
                axes.plot(_clipped(points["score"]), _clipped(points["observed"]), marker="o", markersize=4, **style)
        axes.set(title=question, xlabel="Mean score of the bin (probability, logit scale)")
        _scale_chances(axes)
    grid[0].set_ylabel("Answers of the bin for which it was (share)")
    figure.suptitle("What scores promise and what proved true, in up to 15 bins of equal mass")
    _legend(figure, grid[2])
    return figure


def _clipped(chances: list[float]) -> list[float]:
    return [min(max(chance, _CHANCES[0]), _CHANCES[-1]) for chance in chances]


def _scale_chances(axes: Axes) -> None:
    axes.set(xscale="logit", yscale="logit", xlim=(6e-5, 1 - 6e-5), ylim=(6e-5, 1 - 6e-5))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(_CHANCES))
        axis.set_major_formatter(FuncFormatter(_as_percent))
        axis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", rotation=45)


def _asked_by_persona(judges: Mapping[str, Curves]) -> Figure:
    personas = sorted({persona for curves in judges.values() for persona in curves["asked_by_persona"]})
    figure = Figure(figsize=(9.5, 2 + 0.15 * max(len(personas), 1) * (len(judges) + 1)))
    axes = figure.subplots()
    width = 0.85 / max(len(judges), 1)
    for index, (curves, style) in enumerate(_styles(judges)):
        places = [place + index * width for place in range(len(personas))]
        _draw_bars(axes, places, [curves["asked_by_persona"].get(persona) for persona in personas], width, index, style)
    axes.set_yticks([place + 0.425 - width / 2 for place in range(len(personas))])
    axes.set_yticklabels([persona.replace("_", " ") for persona in personas])
    axes.set_ylim(len(personas), -0.3)
    axes.set(xscale="symlog", xlim=(0, None), xlabel="Asked for proof, times per 1000 household-months (log scale)")
    axes.set_title("How often each kind of household is bothered (bars: mean; whiskers: 95 % interval)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=False, axis="y")
    _legend(figure, axes)
    return figure


def _draw_bars(
    axes: Axes, places: list[float], triples: list[list[float] | None], width: float, index: int, style: dict[str, Any]
) -> None:
    known = [(place, triple) for place, triple in zip(places, triples, strict=True) if triple is not None]
    middle = [triple[0] for _, triple in known]
    whiskers = [
        [triple[0] - triple[1] for _, triple in known],
        [triple[2] - triple[0] for _, triple in known],
    ]
    axes.barh(
        [place for place, _ in known],
        middle,
        height=width,
        xerr=whiskers,
        color=style["color"],
        label=style["label"],
        hatch=_HATCHES[index % len(_HATCHES)],
        edgecolor="white",
        error_kw={"ecolor": "0.5", "elinewidth": 1},
    )
