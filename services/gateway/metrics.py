"""What operators count. The API's no-ops stand in where no exporter is set."""

from __future__ import annotations

from typing import Final

from opentelemetry import metrics

_METER: Final = metrics.get_meter("hearthgate.gateway")
_DECISIONS: Final = _METER.create_counter(
    "hearthgate.gateway.decisions", unit="{decision}", description="Decisions made, by kind, outcome, reason and cell"
)
_DROPPED: Final = _METER.create_counter(
    "hearthgate.gateway.sightings.dropped", unit="{sighting}", description="Sightings that device_trust never got"
)
_NOTICES: Final = _METER.create_counter(
    "hearthgate.gateway.notices.failed", unit="{notice}", description="Notices to owners that were given up"
)

_STALLED: Final = _METER.create_counter(
    "hearthgate.gateway.own_accounts.stalled",
    unit="{own_account}",
    description="Moves given up, by the step that failed",
)
_ERASURES: Final = _METER.create_counter(
    "hearthgate.gateway.erasures", unit="{erasure}", description="Erasures of accounts that ended, by state"
)
_ERASURE_FAILURES: Final = _METER.create_counter(
    "hearthgate.gateway.erasures.failures", unit="{failure}", description="Failed steps of erasures, by step"
)


def count_decision(*, kind: str, outcome: str, reason: str, cell: str) -> None:
    """A decision was made and kept."""
    _DECISIONS.add(1, {"kind": kind, "outcome": outcome, "reason": reason, "cell": cell})


def count_dropped_sightings(count: int) -> None:
    """Sightings were given up."""
    _DROPPED.add(count)


def count_failed_notice(kind: str) -> None:
    """A notice was given up."""
    _NOTICES.add(1, {"kind": kind})


def count_stalled_own_account(step: str) -> None:
    """A move, or its undoing, was given up."""
    _STALLED.add(1, {"step": step})


def count_erasure(state: str) -> None:
    """An erasure is done, was cancelled, or was given up until an operator looks."""
    _ERASURES.add(1, {"state": state})


def count_erasure_failure(step: str) -> None:
    """A step of an erasure failed, and is tried again."""
    _ERASURE_FAILURES.add(1, {"step": step})
