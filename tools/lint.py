"""Runs every check that is not a test, shows each with its time, and prints the output of those that fail.

    python tools/lint.py                 all of them
    python tools/lint.py ruff mypy       only these
    python tools/lint.py --list          their names

Exit code 1 when one fails. Tools are taken from PATH; `make lint` puts the virtual environment's first.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Command = list[str]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _contract_base() -> str:
    """The commit whose contracts ours must not break: main's, or on main itself the last contracts before these."""
    if _git("rev-parse", "--abbrev-ref", "HEAD") not in {"main", "HEAD"} and _git("rev-parse", "--verify", "main"):
        return _git("merge-base", "HEAD", "main")
    if _git("status", "--porcelain", "--", "protos"):
        return _git("rev-parse", "--verify", "HEAD:protos") and _git("rev-parse", "HEAD")
    changes = _git("log", "-2", "--format=%H", "--", "protos").split()
    return changes[1] if len(changes) == 2 else ""


def _breaking() -> Command | str:
    base = _contract_base()
    if not base:
        return "no earlier contracts to compare with"
    return ["buf", "breaking", "--against", f".git#ref={base}"]


def _compose() -> Command | str:
    probe = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if probe.returncode != 0:
        return "docker compose is not installed"
    return ["docker", "compose", "config", "--quiet"]


def _which(name: str) -> str:
    return subprocess.run(["which", name], capture_output=True, text=True, check=False).stdout.strip()


def _manifests() -> Command | str:
    if not _which("kubectl") and not _which("kustomize"):
        return "FAIL: kubectl (1.27 or later) or kustomize (5 or later) has to be installed to render the manifests"
    return [sys.executable, "tools/validate_manifests.py"]


CHECKS: dict[str, Callable[[], Command | str]] = {
    "ruff": lambda: ["ruff", "check", "."],
    "format": lambda: ["ruff", "format", "--check", "."],
    "mypy": lambda: ["mypy", "libs", "services", "tools", "tests", "bench"],
    "imports": lambda: ["lint-imports"],
    "buf-lint": lambda: ["buf", "lint"],
    "buf-format": lambda: ["buf", "format", "--diff", "--exit-code", "protos"],
    "buf-breaking": _breaking,
    "stubs": lambda: [sys.executable, "tools/generate_stubs.py", "--check"],
    "decisions": lambda: [sys.executable, "tools/generate_decisions.py", "--check"],
    "hadolint": lambda: ["hadolint", "Dockerfile"],
    "yamllint": lambda: ["yamllint", "--strict", "."],
    "compose": _compose,
    "manifests": _manifests,
}


def run(name: str) -> bool:
    """Run one check; whether it passed or was passed over."""
    started = time.monotonic()
    command = CHECKS[name]()
    if isinstance(command, str):
        failed = command.startswith("FAIL: ")
        print(f"{'FAIL' if failed else 'skip':>4}  {name:<13} {command.removeprefix('FAIL: ')}", flush=True)
        return not failed
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    print(f"{'ok' if done.returncode == 0 else 'FAIL':>4}  {name:<13} {seconds:5.1f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def main() -> int:
    """Runs the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"one of: {', '.join(CHECKS)}")
    parser.add_argument("--list", action="store_true", help="print the checks' names")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CHECKS))
        return 0
    unknown = [name for name in arguments.checks if name not in CHECKS]
    if unknown:
        parser.error(f"no check named {unknown[0]!r}; there are {', '.join(CHECKS)}")
    results = [run(name) for name in arguments.checks or CHECKS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
