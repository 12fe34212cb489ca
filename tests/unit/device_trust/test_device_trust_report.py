"""The report of `hearthgate simulate`: how work is shared out, and what is told where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.device_trust.simulation import report as reports
from services.device_trust.simulation.aims import AIMS
from services.device_trust.simulation.baselines import BASELINES
from services.device_trust.simulation.figures import FigureCollector
from services.device_trust.simulation.parameters import load_parameters
from services.device_trust.simulation.report import ReportOptions, plan, run_report, run_shard
from services.device_trust.simulation.run import EXIT_FINE, EXIT_PARAMETERS, run_simulate

SMALL = ReportOptions(accounts=4, days=3, seeds=(1, 2), jobs=2)


def test_each_judge_gets_each_seed_and_baselines_fewer_accounts() -> None:
    shards = plan(ReportOptions(accounts=100, days=9), (7, 8))
    assert [(shard.judge, shard.seed, shard.accounts) for shard in shards[:3]] == [
        ("engine", 7, 50),
        ("engine", 8, 50),
        ("always_code", 7, 25),
    ]
    assert len(shards) == 2 * (1 + len(BASELINES))
    assert [shard.index for shard in shards] == list(range(len(shards)))


def test_without_baselines_the_engine_stands_alone() -> None:
    shards = plan(ReportOptions(accounts=1, days=9, baselines=False), (7, 8))
    assert [(shard.judge, shard.accounts) for shard in shards] == [("engine", 1), ("engine", 1)]


def test_the_same_shard_tells_the_same_figures() -> None:
    shard = plan(SMALL, (3,))[1]
    shares: list[float] = []
    one, other = (run_shard(shard, shares.append).figures(bootstrap=5) for _ in range(2))
    assert one == other
    assert one["counts"]["records"] > 0
    assert shares[-1] == 1


def test_a_report_tells_the_engine_the_baselines_the_aims_and_what_was_simulated() -> None:
    shares: list[float] = []
    report = run_report(SMALL, shares.append)
    figures = report.figures
    json.dumps(figures, allow_nan=False)
    assert figures["counts"]["accounts"] == 4
    assert list(figures["baselines"]) == list(BASELINES)
    assert figures["baselines"]["freeman"].keys() == figures.keys() - {"baselines", "parameters", "aims"}
    assert figures["aims"].keys() == AIMS.keys()
    assert figures["parameters"]["seeds"] == [1, 2]
    assert not set(figures["parameters"]["families"]["development"]["thieves"]) & set(
        figures["parameters"]["families"]["report"]["thieves"]
    )
    assert list(report.curves) == ["engine", *BASELINES]
    assert shares[-1] == 1


@pytest.fixture
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards are run here: processes take a second to start."""

    def gather(shards: list[reports.Shard], jobs: int, progress: reports.Progress) -> dict[str, FigureCollector]:
        return {shard.judge: run_shard(shard, progress) for shard in shards}

    monkeypatch.setattr(reports, "_gather", gather)


@pytest.mark.usefixtures("_in_process")
def test_json_is_one_line_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_simulate(accounts=2, days=2, seeds=[5], as_json=True, jobs=1) == EXIT_FINE
    out, err = capsys.readouterr()
    told: dict[str, Any] = json.loads(out)
    assert out.count("\n") == 1
    assert told["parameters"]["seeds"] == [5]
    assert err == ""


@pytest.mark.usefixtures("_in_process")
def test_the_table_names_every_aim_and_the_plots_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run_simulate(accounts=5, days=2, baselines=False, plots=tmp_path) == EXIT_FINE
    out, err = capsys.readouterr()
    assert all(aim.title in out for aim in AIMS.values())
    assert f"seeds {', '.join(str(seed) for seed in load_parameters().report_seeds)}" in out
    assert "roc.png" in err
    assert (tmp_path / "roc.png").exists()


@pytest.mark.usefixtures("_in_process")
def test_quiet_leaves_only_the_figures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run_simulate(accounts=1, days=1, seeds=[5], baselines=False, plots=tmp_path, quiet=True) == EXIT_FINE
    assert capsys.readouterr().err == ""


def test_parameters_that_cannot_be_used_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("report_seeds = 3", encoding="utf-8")
    assert run_simulate(accounts=1, days=1, parameters=tmp_path / "broken.toml", quiet=True) == EXIT_PARAMETERS
    out, err = capsys.readouterr()
    assert out == ""
    assert "report_seeds" in err
