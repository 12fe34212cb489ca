"""What a ``catr`` claim says of renewals: it asks whoever serves the media for a new token and restricts nothing.

Numbers are those of CTA-5007 as node-cat (MIT) and the crate common-access-token (MIT) have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from libs.common_access_token.encoding import read_integer, read_map, read_text, read_texts
from libs.common_access_token.errors import CatError, Reason


class RenewalType(IntEnum):
    """Where the new token is handed over."""

    AUTOMATIC = 0
    COOKIE = 1
    HEADER = 2
    REDIRECT = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewal:
    """How a token is renewed.

    The sources differ on ``deadline``: seconds before the end (node-cat), a moment (the crate). It is only carried.
    """

    type: RenewalType
    extension_seconds: int
    """How long after its renewal the new token holds."""
    deadline: int | None = None
    cookie_name: str | None = None
    header_name: str | None = None
    cookie_parameters: tuple[str, ...] | None = None
    header_parameters: tuple[str, ...] | None = None
    status_code: int | None = None
    """Of a redirect."""


_PARTS: Final[Mapping[int, tuple[str, Callable[[object, str], object]]]] = {
    0: ("type", read_integer),
    1: ("extension_seconds", read_integer),
    2: ("deadline", read_integer),
    3: ("cookie_name", read_text),
    4: ("header_name", read_text),
    5: ("cookie_parameters", read_texts),
    6: ("header_parameters", read_texts),
    7: ("status_code", read_integer),
}


def read_renewal(value: object, what: str) -> Renewal:
    """The renewal of a ``catr`` claim. Raises CatError for a part that is unknown or of another type, or missing."""
    fields: dict[str, Any] = {}
    for label, item in read_map(value, what).items():
        if not isinstance(label, int) or label not in _PARTS:
            raise CatError(Reason.MALFORMED, what)
        name, read = _PARTS[label]
        fields[name] = read(item, what)
    try:
        return Renewal(**fields | {"type": RenewalType(fields["type"])})
    except (KeyError, TypeError, ValueError):
        raise CatError(Reason.MALFORMED, what) from None


def write_renewal(renewal: Renewal) -> dict[int, object]:
    """The value of a ``catr`` claim."""
    parts = {label: getattr(renewal, name) for label, (name, _) in _PARTS.items()}
    return {label: _plain(part) for label, part in parts.items() if part is not None}


def _plain(part: object) -> object:
    if isinstance(part, tuple):
        return list(part)
    return int(part) if isinstance(part, int) else part
