"""Holdings on the wire: what the PrivacyServices of all leaves answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hearthgate.common.v1 import privacy_pb2 as pb
from libs.persistence.privacy import Exported, Holding


def records(chunk: Sequence[Exported]) -> list[pb.ExportedRecord]:
    """Documents as they are sent."""
    return [pb.ExportedRecord(kind=each.kind, json=each.json) for each in chunk]


def withheld(holdings: Sequence[Holding]) -> list[pb.WithheldKind]:
    """What is held and not exported, and why."""
    return [pb.WithheldKind(kind=each.kind, reason=each.withheld) for each in holdings if each.withheld]


def erased_counts(counts: Mapping[str, int]) -> list[pb.ErasedCount]:
    """How much was deleted, by kind."""
    return [pb.ErasedCount(kind=kind, count=count) for kind, count in sorted(counts.items())]
