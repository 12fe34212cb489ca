"""Installs the npm packages that tests/interop tries ours against, where there is a Node.js to run them.

Without one, or without a registry, it says so and goes on: those tests are skipped then, in words.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "tests" / "interop"
_SECONDS: Final = 180
# Scripts of strangers are not run, and nothing is sent about what is installed.
_COMMAND: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error", "--fetch-retries", "1")


def main() -> int:
    """Install; the exit code is 0 in any case, since nothing but those tests needs it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        print("No Node.js here: the tests against packages of npm will be skipped.", file=sys.stderr)
        return 0
    try:
        subprocess.run([npm, *_COMMAND], cwd=FOLDER, check=True, timeout=_SECONDS, stdout=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"npm packages not installed ({type(error).__name__}): their tests will be skipped.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
