"""Resolves the dependencies into requirements*.lock: with hashes, for every platform, naming no index.

One lock for each service's image, and one with everything for working here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("identity", "device-trust", "challenge", "download-planning", "gateway", "dev")


def main() -> int:
    """Write each lock; the exit code is the first failing resolution's."""
    uv = Path(sys.executable).with_name("uv")
    for extra in EXTRAS:
        target = f"requirements-{extra}.lock"
        options = ["--universal", "--generate-hashes", "--python-version", "3.11", "--no-emit-index-url", "--no-header"]
        command = [str(uv), "pip", "compile", "--quiet", "pyproject.toml", "--extra", extra, *options, "-o", target]
        code = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode
        if code != 0:
            print(f"{target}: not resolved", file=sys.stderr)
            return code
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
