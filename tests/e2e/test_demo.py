"""`hearthgate demo`: the whole story, checked by itself, with one line of JSON at its end."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from libs.devstack.demo import run as demo
from tests.e2e.running import hearthgate, processes_of

OUTCOMES = {
    "household_plays": "ALLOWED",
    "thief_stopped": "VERIFICATION_REQUIRED",
    "intruder_shut_out": "DENIED",
    "verified_by_email": "ALLOWED_UNTIL",
    "verified_by_text": "ALLOWED_UNTIL",
    "deferred": "ALLOWED_UNTIL",
    "refused_after_deadline": "DENIED",
    "own_account_plays": "ALLOWED",
    "downloads_planned": "PLANNED",
}
WITHOUT_THE_CHECK = {"gateway": {"HEARTHGATE_SHARING_EXPERIMENT": '{"key": "sharing-check", "on": false}'}}


def test_the_story_comes_out_right_and_ends_with_one_line_of_json(data: Path) -> None:
    with hearthgate(data, "demo", "--json") as run:
        assert run.exit_code() == 0, run.stdout + run.stderr
        lines = run.stdout.splitlines()
        run.wait_until_nothing_is_left()
    assert len(lines) == 1
    report: dict[str, Any] = json.loads(lines[0])
    assert report["ok"] is True
    assert report["seconds"] > 0
    assert "error" not in report
    assert {name: step["outcome"] for name, step in report["steps"].items()} == OUTCOMES
    decisions = {str(UUID(step["decision_id"])) for step in report["steps"].values()}
    assert len(decisions) == len(OUTCOMES), "each step has a decision of its own"


def test_a_step_that_comes_out_wrong_ends_the_story_with_exit_code_1_and_says_which(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "POLICY", WITHOUT_THE_CHECK)
    assert demo.run_demo(data_dir=data, keep=False, quiet=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert list(report["steps"]) == ["household_plays", "thief_stopped", "intruder_shut_out"], report
    assert report["error"] == "a first start on Ben's TV: expected VERIFICATION_REQUIRED, got ALLOWED"
    assert processes_of(data) == [], "nothing but us, and we are done"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_no_process_behind_and_says_so_by_its_exit_code(
    number: signal.Signals, data: Path
) -> None:
    with hearthgate(data, "demo", "--json") as run:
        run.wait_for_process("-D")
        assert run.end(number) == 128 + number
        run.wait_until_nothing_is_left()
        assert "Traceback" not in run.stderr
