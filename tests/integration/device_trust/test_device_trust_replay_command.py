"""`hearthgate replay`, as a process of its own with the engine, and with a stand-in for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import pytest

from services.device_trust.domain.records import Standing
from services.device_trust.replay.records import ANSWERED, Answer, AnswerScores, Outcome, Record
from services.device_trust.replay.run import run_replay

ROOT: Final = Path(__file__).parents[3]
COMMAND: Final = [sys.executable, "-m", "libs.devstack.cli", "replay"]
SIGN_IN: Final[dict[str, Any]] = {
    "time": "2030-01-31T19:00:00.50+01:00",
    "account": "a1",
    "device": {"id": "d1", "kind": "TV", "platform": "TIZEN"},
    "ip": "203.0.113.7",
    "event": "sign_in",
}
START: Final = SIGN_IN | {"time": "2030-01-31T18:05:00Z", "event": "start"}
STOP: Final = SIGN_IN | {"time": "2030-01-31T18:06:00Z", "event": "stop"}
KEYS: Final = [
    *("time", "account", "device", "event", "outcome", "standing", "scores", "can_defer", "can_use_code"),
    "reasons",
]
RBA_HEADER: Final = (
    "index,Login Timestamp,User ID,Round-Trip Time [ms],IP Address,Country,Region,City,ASN,User Agent String,"
    "Browser Name and Version,OS Name and Version,Device Type,Login Successful,Is Attack IP,Is Account Takeover"
)
RBA_ROW: Final = '0,2020-02-03 12:43:30.772,7,,10.0.65.171,NO,-,-,29695,"A, b",Firefox 20,iOS 13.4,mobile,{},False,{}'


class Welcoming:
    """Lets everyone in, and remembers whom."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def handle(self, record: Record) -> Answer | None:
        self.records.append(record)
        if record.event not in ANSWERED:
            return None
        return Answer(
            time=record.time,
            account=record.account,
            device_id=record.device_id,
            event=record.event,
            outcome=Outcome.ALLOWED,
            standing=Standing.HOUSEHOLD,
            scores=AnswerScores(household=0.75, thief=0.125),
            can_defer=False,
            can_use_code=True,
            reasons=("AT_HOME",),
        )


def encoded(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@contextmanager
def replaying(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """The command on its standard input: the process, its input and its output, without buffers of our own."""
    command = [*COMMAND, "-", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process, process.stdin, process.stdout
        finally:
            process.kill()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log in which the second of four lines is broken."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(encoded(SIGN_IN) + b"{broken\n\n" + encoded(START, STOP))
    return path


def test_each_answer_is_there_before_the_next_line_is_sent() -> None:
    with replaying() as (process, lines, answers):
        for sent in (SIGN_IN, START):
            lines.write(encoded(sent))
            answer = json.loads(answers.readline())
            assert list(answer) == KEYS
            given = {"time": sent["time"], "account": "a1", "device": "d1", "event": sent["event"]}
            assert given.items() <= answer.items()
            assert answer["outcome"] in list(Outcome)
            assert list(answer["scores"]) == ["household", "outsider", "thief"]
        lines.write(encoded(STOP))
        rest, notes = process.communicate()
    assert (rest, notes.decode()) == (b"", "3 lines, 2 answered, 0 broken\n")
    assert process.returncode == 0


def test_a_broken_line_is_named_and_the_rest_goes_on_to_exit_code_2() -> None:
    fridge = SIGN_IN | {"device": {"id": "d2", "kind": "FRIDGE"}}
    with replaying() as (process, _, _):
        answers, notes = process.communicate(encoded(fridge) + b"\xff\n" + encoded(SIGN_IN))
    assert [json.loads(answer)["device"] for answer in answers.splitlines()] == ["d1"]
    assert notes.decode().splitlines() == [
        "line 1: device.kind: 'FRIDGE' is none of TV, PHONE, TABLET, COMPUTER, CONSOLE, SET_TOP_BOX",
        "line 2: is not UTF-8 at byte 1",
        "3 lines, 1 answered, 2 broken",
    ]
    assert process.returncode == 2


def test_labels_make_figures_the_last_line() -> None:
    with replaying("--quiet") as (process, _, _):
        output, _ = process.communicate(encoded(*(line | {"label": "household"} for line in (SIGN_IN, START))))
    (figures,) = output.splitlines()
    assert list(json.loads(figures)) == ["figures"]
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_ends_with_exit_code_1_and_what_to_do(name: str, tmp_path: Path) -> None:
    result = subprocess.run([*COMMAND, tmp_path / name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"hearthgate replay: cannot read {tmp_path / name}: ")
    assert "give the path of a .jsonl or .csv file" in result.stderr


def test_a_reader_who_goes_away_ends_the_replay_quietly() -> None:
    with replaying() as (process, lines, answers):
        lines.write(encoded(SIGN_IN))
        answers.readline()
        answers.close()
        lines.write(encoded(START, STOP))
        lines.close()
        assert process.stderr
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_help_and_version_load_nothing_heavy() -> None:
    code = "import sys, libs.devstack.cli; print(sorted({'msgspec', 'numpy', 'scipy'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "[]\n"


def test_a_file_is_answered_line_by_line(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = Welcoming()
    assert run_replay(source=log, judge=judge) == 2
    output, notes = capsys.readouterr()
    first, second = map(json.loads, output.splitlines())
    assert first == {
        "time": "2030-01-31T19:00:00.50+01:00",
        "account": "a1",
        "device": "d1",
        "event": "sign_in",
        "outcome": "ALLOWED",
        "standing": "HOUSEHOLD",
        "scores": {"household": 0.75, "outsider": None, "thief": 0.125},
        "can_defer": False,
        "can_use_code": True,
        "reasons": ["AT_HOME"],
    }
    assert second["event"] == "start"
    assert [record.event for record in judge.records] == ["sign_in", "start", "stop"]
    assert "line 2: is no JSON" in notes
    assert notes.endswith("4 lines, 2 answered, 1 broken\n")


def test_what_is_wrong_is_told_to_a_program_as_json_lines(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay(source=log, as_json=True, judge=Welcoming()) == 2
    broken, summary = map(json.loads, capsys.readouterr().err.splitlines())
    assert (broken["line"], broken["field"]) == (2, None)
    assert broken["error"].startswith("is no JSON: ")
    assert summary == {"lines": 4, "answered": 2, "broken": 1, "skipped": 0}
    assert run_replay(source=log.with_name("missing"), as_json=True, judge=Welcoming()) == 1
    assert "missing" in json.loads(capsys.readouterr().err)["error"]


def test_quiet_and_without_labels_nothing_is_printed(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay(source=log, quiet=True, judge=Welcoming()) == 2
    assert capsys.readouterr().out == ""


def test_a_csv_file_is_the_public_data_set_and_its_failed_sign_ins_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rba-dataset.csv"
    rows = [RBA_ROW.format("True", "False"), RBA_ROW.format("False", "False"), RBA_ROW.format("True", "True")]
    path.write_text("\n".join([RBA_HEADER, *rows]))
    judge = Welcoming()
    assert run_replay(source=path, judge=judge) == 0
    output, notes = capsys.readouterr()
    assert [record.label for record in judge.records] == ["household", "thief"]
    assert json.loads(output.splitlines()[0])["time"] == "2020-02-03T12:43:30.772Z"
    assert list(json.loads(output.splitlines()[-1])) == ["figures"]
    assert notes == "3 lines, 2 answered, 0 broken, 1 skipped (failed sign-ins)\n"


def test_a_file_in_another_format_than_said_cannot_be_read(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay(source=log, log_format="rba", judge=Welcoming()) == 1
    assert "no rba-dataset.csv" in capsys.readouterr().err


def test_a_database_that_cannot_be_read_ends_with_exit_code_1(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay(source=log, asn_db=log, judge=Welcoming()) == 1
    assert f"cannot read {log}" in capsys.readouterr().err
