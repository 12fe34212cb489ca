"""Other people's implementations on Node, installed once for all tests of a run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_HERE: Final = Path(__file__).parent
_CACHE: Final = _HERE.parents[1] / ".cache" / "interop"
_INSTALL_SECONDS: Final = 90


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The ``node_modules`` of ``package-lock.json``; skips where node, npm or the registry is missing.

    Run a script with ``node``, the environment variable ``NODE_PATH`` set to this folder.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    digest = hashlib.sha256((_HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = _CACHE / digest
    if not folder.exists():
        _install(npm, folder)
    return folder / "node_modules"


def _install(npm: str, folder: Path) -> None:
    """Install beside ``folder`` and rename, so that an install cut short, or another worker's, does no harm."""
    building = folder.with_name(f"{folder.name}.{os.getpid()}")
    building.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(_HERE / name, building / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    try:
        subprocess.run(command, cwd=building, check=True, capture_output=True, timeout=_INSTALL_SECONDS)
        if not folder.exists():
            building.rename(folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
        pytest.skip(f"npm ci could not install from the registry: {type(failure).__name__}")
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
