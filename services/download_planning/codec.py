"""Plans as protobuf messages: on the wire, and as the bytes that the database keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from services.download_planning.domain.plan import (
    Candidate,
    DownloadPlan,
    ExclusionReason,
    Explanation,
    PlanItem,
    PlanReason,
    PlanRemoval,
    RemovalReason,
    WantedState,
)


def to_timestamp(moment: datetime) -> Timestamp:
    """The moment as protobuf writes it."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def plan_to_message(plan: DownloadPlan) -> pb.DownloadPlan:
    """The plan as callers get it."""
    return pb.DownloadPlan(
        plan_id=str(plan.plan_id),
        generation=plan.generation,
        etag=plan.etag,
        items=[_item_to_message(item) for item in plan.state.items],
        removals=[_removal_to_message(removal) for removal in plan.state.removals],
        planned_bytes=plan.state.planned_bytes,
        budget_bytes=plan.state.budget_bytes,
        waits_for_wifi=plan.state.waits_for_wifi,
        create_time=to_timestamp(plan.create_time),
    )


def encode_plan(plan: DownloadPlan) -> bytes:
    """The bytes that are kept of a plan."""
    return plan_to_message(plan).SerializeToString(deterministic=True)


def decode_plan(data: bytes) -> DownloadPlan:
    """The plan that :func:`encode_plan` wrote. Raises protobuf's DecodeError for anything else."""
    return _plan_from_message(pb.DownloadPlan.FromString(data))


def _plan_from_message(message: pb.DownloadPlan) -> DownloadPlan:
    state = WantedState(
        items=tuple(_item_from_message(item) for item in message.items),
        removals=tuple(_removal_from_message(removal) for removal in message.removals),
        budget_bytes=message.budget_bytes,
        waits_for_wifi=message.waits_for_wifi,
    )
    return DownloadPlan(
        plan_id=UUID(message.plan_id),
        generation=message.generation,
        etag=message.etag,
        state=state,
        create_time=message.create_time.ToDatetime(tzinfo=UTC),
    )


def explanation_to_message(explanation: Explanation) -> pb.ExplainPlanResponse:
    """The explanation as callers get it."""
    candidates = [_candidate_to_message(each) for each in explanation.candidates]
    return pb.ExplainPlanResponse(plan=plan_to_message(explanation.plan), candidates=candidates)


def encode_explanation(explanation: Explanation) -> bytes:
    """The bytes that are kept of an explanation."""
    return explanation_to_message(explanation).SerializeToString(deterministic=True)


def decode_explanation(data: bytes) -> Explanation:
    """What :func:`encode_explanation` wrote. Raises protobuf's DecodeError for anything else."""
    message = pb.ExplainPlanResponse.FromString(data)
    candidates = tuple(_candidate_from_message(each) for each in message.candidates)
    return Explanation(plan=_plan_from_message(message.plan), candidates=candidates)


def _item_to_message(item: PlanItem) -> pb.PlanItem:
    return pb.PlanItem(
        title_id=item.title_id,
        name=item.name,
        rendition_id=item.rendition_id,
        size_bytes=item.size_bytes,
        url=item.url,
        reason=pb.PlanReason.Value(f"PLAN_REASON_{item.reason}"),
        reason_text=item.reason_text,
        priority=item.priority,
        keep_until_time=None if item.keep_until is None else to_timestamp(item.keep_until),
    )


def _item_from_message(message: pb.PlanItem) -> PlanItem:
    has_end = message.HasField("keep_until_time")
    return PlanItem(
        title_id=message.title_id,
        name=message.name,
        rendition_id=message.rendition_id,
        size_bytes=message.size_bytes,
        url=message.url,
        reason=PlanReason(pb.PlanReason.Name(message.reason).removeprefix("PLAN_REASON_")),
        reason_text=message.reason_text,
        priority=message.priority,
        keep_until=message.keep_until_time.ToDatetime(tzinfo=UTC) if has_end else None,
    )


def _removal_to_message(removal: PlanRemoval) -> pb.PlanRemoval:
    return pb.PlanRemoval(
        title_id=removal.title_id,
        reason=pb.RemovalReason.Value(f"REMOVAL_REASON_{removal.reason}"),
        after_title_id=removal.after_title_id,
    )


def _removal_from_message(message: pb.PlanRemoval) -> PlanRemoval:
    return PlanRemoval(
        title_id=message.title_id,
        reason=RemovalReason(pb.RemovalReason.Name(message.reason).removeprefix("REMOVAL_REASON_")),
        after_title_id=message.after_title_id,
    )


def _candidate_to_message(candidate: Candidate) -> pb.Candidate:
    exclusion = candidate.exclusion or "UNSPECIFIED"
    return pb.Candidate(
        title_id=candidate.title_id,
        score=candidate.score,
        planned=candidate.exclusion is None,
        exclusion=pb.ExclusionReason.Value(f"EXCLUSION_REASON_{exclusion}"),
    )


def _candidate_from_message(message: pb.Candidate) -> Candidate:
    name = pb.ExclusionReason.Name(message.exclusion).removeprefix("EXCLUSION_REASON_")
    exclusion = None if message.planned else ExclusionReason(name)
    return Candidate(title_id=message.title_id, score=message.score, exclusion=exclusion)
