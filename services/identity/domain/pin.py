"""PINs of profiles: what one looks like, and how often it may be guessed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from libs.runtime.errors import invalid_field

ATTEMPTS: Final = 5
WINDOW: Final = timedelta(minutes=15)
"""Wrong PINs within a window. Ours: the 10,000 of four digits last three weeks, and a child's slip costs minutes."""
_PIN: Final = re.compile(r"[0-9]{4,8}", re.ASCII)


def check_pin(pin: str) -> str:
    """The PIN, if it is 4 to 8 digits. Raises INVALID_FIELD."""
    if not _PIN.fullmatch(pin):
        raise invalid_field("pin", "must be 4 to 8 digits")
    return pin
