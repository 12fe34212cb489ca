"""Other people's implementations, run by Node.js; without it or them the tests here are skipped, in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent


@pytest.fixture
def node() -> tuple[str, Path]:
    """Node.js, and the folder in which it finds the packages."""
    command = shutil.which("node")
    if command is None:
        pytest.skip("no Node.js on PATH: nothing to run npm's implementations with")
    if not (_FOLDER / "node_modules" / "smpp").is_dir():
        pytest.skip("npm packages not installed: `make test` does that where npm and its registry are there")
    return command, _FOLDER
