"""The data folder of a local stack: ours to fill and, on request, to empty; one run at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MARKER: Final = ".hearthgate-data"
_MARKER_TEXT: Final = "Data of `hearthgate up`. Deleted by `hearthgate up --fresh`.\n"


class FolderError(Exception):
    """The folder cannot be used; the text says why and what to do."""


@contextmanager
def data_folder(path: Path, *, fresh: bool) -> Iterator[Path]:
    """The folder, made where missing, emptied where asked to, held until the block ends. Raises FolderError."""
    path = path.absolute()
    _check(path)
    path.mkdir(parents=True, exist_ok=True)
    (path / _MARKER).write_text(_MARKER_TEXT)
    with open(path / "run.lock", "a+") as lock:
        _hold(path, lock.fileno())
        if fresh:
            _empty(path)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield path


def _check(path: Path) -> None:
    """Only an empty folder or one of ours may be used: `--fresh` deletes what is in it."""
    if not path.exists():
        return
    if not path.is_dir():
        raise FolderError(f"{path} is not a folder; name another with --data")
    if any(path.iterdir()) and not (path / _MARKER).exists():
        raise FolderError(f"{path} holds other things; name an empty or a new folder with --data")


def _hold(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = (path / "run.lock").read_text() or "unknown"
        raise FolderError(
            f"{path} is in use by another run (process {holder}); end that one, or name another with --data"
        ) from None


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name in (_MARKER, "run.lock"):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
