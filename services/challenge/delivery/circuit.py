"""When a provider that keeps failing is left alone, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, kw_only=True, slots=True)
class CircuitPolicy:
    """After ``threshold`` failures in a row a pause of ``first_pause``, doubling up to ``longest_pause``."""

    threshold: int = 3
    first_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        if self.threshold < 1 or not timedelta(0) < self.first_pause <= self.longest_pause:
            raise ValueError("a circuit needs a threshold of at least 1 and pauses above zero")


class Permit(StrEnum):
    """Whether a message may go to a provider."""

    NO = "no"
    NORMAL = "normal"
    PROBE = "probe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Circuit:
    """What is known of a provider: closed, or open until ``probe_at``, when one message may try it.

    ``pause`` is the present one, zero while the circuit is closed.
    """

    failures: int = 0
    pause: timedelta = timedelta(0)
    probe_at: datetime | None = None

    def begin(self, now: datetime) -> tuple[Circuit, Permit]:
        """Ask for leave to send. A probe takes the moment: the next one is a pause later, should nobody report."""
        if self.probe_at is None:
            return self, Permit.NORMAL
        if now < self.probe_at:
            return self, Permit.NO
        return Circuit(failures=self.failures, pause=self.pause, probe_at=now + self.pause), Permit.PROBE

    def succeeded(self) -> Circuit:
        """The provider answered, if only to refuse the message."""
        return Circuit()

    def failed(self, now: datetime, permit: Permit, policy: CircuitPolicy) -> Circuit:
        """The provider failed. What was under way when the circuit opened says nothing new."""
        if self.probe_at is not None and permit is not Permit.PROBE:
            return self
        failures = self.failures + 1
        if self.probe_at is None and failures < policy.threshold:
            return Circuit(failures=failures)
        pause = min(self.pause * 2 or policy.first_pause, policy.longest_pause)
        return Circuit(failures=failures, pause=pause, probe_at=now + pause)
