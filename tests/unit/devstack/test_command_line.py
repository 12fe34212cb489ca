"""The command `hearthgate`: help, version, wrong use; and the lines it offers to paste."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from libs.devstack import cli
from libs.devstack.console import lines_to_paste
from libs.devstack.process import ServiceProcess
from libs.devstack.secrets import FILE_NAME, LEAVES, Secrets
from libs.devstack.stack import Stack, StackOptions

ROOT = Path(__file__).parents[3]
ANSWER = ("time", "account", "device", "event", "outcome")


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output of the command, in a terminal that is wide enough."""
    result = CliRunner(env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}).invoke(cli.app, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["up", "demo", "replay", "simulate", "audit", "--version"]),
        (
            ["audit", "verify", "--help"],
            ["--database-url", "--anchors", "--json", "HEARTHGATE_AUDIT_KEYS", "Exit codes"],
        ),
        (["audit", "show", "--help"], ["ACCOUNT_ID", "--address", "--limit", "--json", "HEARTHGATE_CALLER_SECRET"]),
        (["up", "--help"], ["--data", "--fresh", "--port", "--json", "HEARTHGATE_DATABASE_URL", "Ctrl-C"]),
        (["demo", "--help"], ["--data", "--keep", "--quiet", "--json"]),
        (["replay", "--help"], ["FILE", "--format", "--asn-db", "--country-db", "--json", "--quiet"]),
        (["simulate", "--help"], ["--accounts", "--days", "--seed", "--parameters", "--json", "--plots", "--quiet"]),
        (["identity", "--help"], ["rotate-keys", "keys", "HEARTHGATE_CONTACT_KEYS"]),
        (["identity", "rotate-keys", "--help"], ["--retire", "--dry-run", "--after", "--batch", "--json", "A,B"]),
        (["retention", "--help"], ["show", "run"]),
        (["retention", "show", "--help"], ["--service", "--json", "--markdown"]),
        (["retention", "run", "--help"], ["--service", "--dry-run", "--json", "HEARTHGATE_RETENTION_LOOP"]),
        (["simulate", "--help"], ["--baselines", "--no-baselines", "--jobs"]),
    ],
)
def test_help_names_every_command_and_option(arguments: list[str], words: list[str]) -> None:
    code, output = run(*arguments)
    assert code == 0
    assert [word for word in words if word not in output] == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "replay",
            ["standard input", "standard error", "Exit codes", "thief", "FIRE_OS", "figures"],
        ),
        ("simulate", ["households", "password", "seed", "figures"]),
    ],
)
def test_the_help_of_the_engines_commands_says_what_goes_in_what_comes_out_and_gives_examples(
    command: str, words: list[str]
) -> None:
    code, output = run(command, "--help")
    assert code == 0
    assert [word for word in words if word not in output] == []
    examples = output.partition("Examples:")[2]
    assert len(re.findall(rf"^ .*\bhearthgate {command}\b", examples, re.MULTILINE)) >= 3


def test_the_page_on_retention_says_what_the_policies_say() -> None:
    """Else: `hearthgate retention show --markdown > docs/retention.md`."""
    code, page = run("retention", "show", "--markdown")
    assert (code, page) == (0, (ROOT / "docs" / "retention.md").read_text())


def test_retention_is_shown_as_the_environment_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a database, and without any of the service's secrets."""
    monkeypatch.delenv("HEARTHGATE_DATABASE_URL", raising=False)
    monkeypatch.setenv("HEARTHGATE_DECISION_RETENTION_DAYS", "7")
    code, output = run("retention", "show", "--service", "gateway", "--json")
    assert code == 0
    rules = json.loads(output)["gateway"]["rules"]
    assert {rule["table"]: rule["keep_seconds"] for rule in rules}["decision"] == 7 * 86_400
    assert "7 days" in run("retention", "show")[1]


def test_keys_are_not_rotated_while_an_older_release_may_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", "postgresql://not-asked")
    monkeypatch.setenv("HEARTHGATE_CONTACT_KEYS", "A" * 43)
    code, output = run("identity", "rotate-keys")
    assert code == 78
    assert "HEARTHGATE_CONTACT_FORM" in output


def test_the_record_in_the_help_of_replay_is_answered_as_the_help_says(tmp_path: Path) -> None:
    record = re.search(r'\{"time": "2.*?"label": "\w+"\}', run("replay", "--help")[1], re.DOTALL)
    assert record
    log = tmp_path / "log.jsonl"
    log.write_text(" ".join(record[0].split()) + "\n")
    code, output = run("replay", str(log))
    assert code == 0, output
    answer, last = (json.loads(line) for line in output.splitlines() if line.startswith("{"))
    assert set(answer) == {*ANSWER, "standing", "scores", "can_defer", "can_use_code", "reasons"}
    assert (answer["account"], answer["device"], answer["event"]) == ("a1", "d1", "start")
    assert "figures" in last, "the line has a label"


def test_a_log_that_cannot_be_read_ends_with_exit_code_1_and_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no-such-log.jsonl"
    code, output = run("replay", str(missing))
    assert code == 1
    assert missing.name in output


def test_the_version_is_the_projects() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run("--version") == (0, f"hearthgate {version}\n")
    installed = Path(sys.executable).with_name("hearthgate")
    assert subprocess.check_output([installed, "--version"], text=True) == f"hearthgate {version}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--wrong"],
        ["up", "--wrong"],
        ["demo", "--wrong"],
        ["down"],
        ["up", "--port", "-1"],
        ["replay"],
        ["replay", "-", "--format", "xml"],
        ["simulate", "--wrong"],
        ["simulate", "--days", "0"],
        ["simulate", "--seed", "-1"],
        [],
    ],
)
def test_wrong_use_ends_with_exit_code_2_and_says_how_to_use_it(arguments: list[str]) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert "Usage" in output


def test_the_lines_to_paste_hold_no_secret_but_read_the_operators_from_its_file(tmp_path: Path) -> None:
    data = tmp_path / 'a "folder" whose name\'s hard to quote'
    data.mkdir()
    lines, secrets = asyncio.run(_lines_of(data)), Secrets.of(data)
    stored = json.loads((data / FILE_NAME).read_text()).values()
    assert not [value for value in stored if value in "\n".join(lines)]
    assert f"authorization: Bearer {secrets['operator_secret']}" in _arguments(lines[-1])


def test_the_lines_to_paste_lead_to_where_the_services_are(tmp_path: Path) -> None:
    lines = asyncio.run(_lines_of(tmp_path))
    assert {line.split()[0] for line in lines} == {"grpcurl", "buf"}
    assert all("localhost:7400" in line for line in lines[:-1])
    assert "localhost:7401" in lines[-1]


def _arguments(line: str) -> list[str]:
    """What a shell makes of a `grpcurl` line: the arguments that the program gets."""
    script = f'grpcurl() {{ printf "%s\\n" "$@"; }}\n{line}'
    return subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True).stdout.splitlines()


async def _lines_of(data: Path) -> list[str]:
    """The lines of a stack on the ports that it takes by default."""
    stack = Stack(StackOptions(data_dir=data), data, Secrets.of(data))
    for number, service in enumerate(("gateway", *LEAVES)):
        stack._processes[service] = ServiceProcess(service, 7400 + number, {}, data / "log")
    return lines_to_paste(stack)
