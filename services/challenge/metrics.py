"""What operators count. The API's no-ops stand in where no exporter is set."""

from __future__ import annotations

from typing import Final

from opentelemetry import metrics

_METER: Final = metrics.get_meter("hearthgate.challenge")
_DELIVERIES: Final = _METER.create_counter(
    "hearthgate.challenge.deliveries", unit="{message}", description="Attempts at messages, by what came of them"
)
_CODES: Final = _METER.create_counter(
    "hearthgate.challenge.codes", unit="{code}", description="Codes that were entered, by what became of them"
)
_REFUSED: Final = _METER.create_counter(
    "hearthgate.challenge.refused", unit="{request}", description="Sends and guesses over a limit, by limit"
)
_STOPPED: Final = _METER.create_counter(
    "hearthgate.challenge.phone_ranges.stopped", unit="{range}", description="Ranges of numbers stopped as pumped"
)
_RECEIPTS: Final = _METER.create_counter(
    "hearthgate.challenge.receipts", unit="{receipt}", description="Providers' later words on texts, by state"
)


def count_delivery(*, channel: str, kind: str, state: str, provider: str) -> None:
    """An attempt at a message has ended; QUEUED: it will be tried again."""
    _DELIVERIES.add(1, {"channel": channel, "kind": kind, "state": state, "provider": provider})


def count_code(*, purpose: str, result: str) -> None:
    """A code was entered."""
    _CODES.add(1, {"purpose": purpose, "result": result})


def count_refused(limit: str) -> None:
    """Something was over a limit."""
    _REFUSED.add(1, {"limit": limit})


def count_stopped_range(kind: str) -> None:
    """A range of numbers, or a country, was stopped."""
    _STOPPED.add(1, {"kind": kind})


def count_receipt(*, provider: str, state: str) -> None:
    """A provider said what became of a text."""
    _RECEIPTS.add(1, {"provider": provider, "state": state})
