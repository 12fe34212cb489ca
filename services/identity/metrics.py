"""What operators count. The API's no-ops stand in where no exporter is set."""

from __future__ import annotations

from typing import Final

from opentelemetry import metrics

_METER: Final = metrics.get_meter("hearthgate.identity")
_LIMITED: Final = _METER.create_counter(
    "hearthgate.identity.password_guesses.limited", unit="{guess}", description="Passwords refused unread, by limit"
)


def count_limited_guess(limit: str) -> None:
    """A password was not compared, as too many wrong ones had been."""
    _LIMITED.add(1, {"limit": limit})
