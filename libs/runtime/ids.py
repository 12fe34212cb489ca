"""Identifiers: UUIDv7, so that keys grow with time and stay close together in an index."""

from __future__ import annotations

import re
from typing import Final, Protocol
from uuid import UUID

from uuid_utils import compat

from libs.runtime.errors import invalid_field

_CANONICAL: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Ids(Protocol):
    """Anything that hands out new identifiers."""

    def new(self) -> UUID:
        """An identifier that was never handed out before."""
        ...


class Uuid7Ids:
    """UUIDv7 (RFC 9562): each one greater than the one before it in this process."""

    def new(self) -> UUID:
        """The next identifier."""
        return compat.uuid7()


class SequentialIds:
    """Readable identifiers for tests: UUIDv7 in form, counting from one."""

    def __init__(self, first: int = 1) -> None:
        self._next = first

    def new(self) -> UUID:
        """The next identifier of the sequence, e.g. ``00000000-0000-7000-8000-000000000001``."""
        number = self._next
        self._next += 1
        return UUID(f"00000000-0000-7000-8000-{number:012x}")


def parse_uuid(text: str, field: str) -> UUID:
    """The identifier that a request's field holds, in its canonical form with hyphens.

    Raises the INVALID_FIELD error that names ``field`` for anything else; the text itself is not repeated.
    """
    if not _CANONICAL.fullmatch(text):
        raise invalid_field(field, "must be a UUID")
    return UUID(text)
