"""The file that anchors are appended to: JSON lines, on a volume or a mounted store that keeps what it has."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from pydantic import BeforeValidator

from services.identity.domain.audit_anchor import Anchor, parse_anchors

_TAIL_BYTES: Final = 65_536
_MODE: Final = 0o640


AnchorPath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
"""A setting that names the file; empty: there is none."""


class AnchorFileError(Exception):
    """The file cannot be read or written. The text names it."""


class AnchorFile:
    """Anchors in a file that is only ever appended to. Every method blocks: call them in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last_number(self) -> int:
        """The number of the last anchor in it; 0 where there is none."""
        try:
            with open(self._path, "rb") as file:
                return _last_number(file)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise AnchorFileError(f"{self._path}: {error.strerror}") from None

    def append(self, anchors: Sequence[Anchor]) -> int:
        """Append those that are newer than its last one, and return when they are on the disk; how many that were.

        Replicas that share the file wait for one another.
        """
        try:
            # O_APPEND: also on a file that may only be appended to (chattr +a).
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _MODE)
            with open(descriptor, "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                last = _last_number(file)
                records = [anchor.record() for anchor in anchors if anchor.number > last]
                # A line feed first where a line was cut short by a crash; empty lines are passed over.
                text = "".join(f"{record}\n" for record in records)
                _write_all(file, (text if _ends_well(file) else f"\n{text}").encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise AnchorFileError(f"{self._path}: {error.strerror}") from None
        return len(records)

    def read(self) -> list[Anchor]:
        """Every anchor in it, in its order. Raises AnchorFileError."""
        try:
            with open(self._path, encoding="utf-8", errors="replace") as file:
                return list(parse_anchors(file))
        except OSError as error:
            raise AnchorFileError(f"{self._path}: {error.strerror}") from None


def _last_number(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    anchors = list(parse_anchors(file.read().decode(errors="replace").splitlines()))
    return anchors[-1].number if anchors else 0


def _ends_well(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _write_all(file: BinaryIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]
