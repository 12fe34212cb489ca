"""A folder for the data of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import passable_folder


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder of this test's own, not made yet."""
    with passable_folder() as folder:
        yield folder
