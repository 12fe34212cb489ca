"""The list of what download_planning holds about an account. What a migration adds is added here; a test looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from asyncpg import Record
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.persistence.privacy import Document, Holding
from services.download_planning.storage import privacy_sql as sql

_FIRST_ID: Final = UUID(int=0)


def _plan(row: Record) -> Iterable[Document]:
    plan = _told(pb.DownloadPlan.FromString(row["plan"]))
    yield {**_whose(row), "is_withdrawn": row["is_withdrawn"], "plan": plan}


def _explanation(row: Record) -> Iterable[Document]:
    explanation = pb.ExplainPlanResponse.FromString(row["explanation"])
    candidates = [_told(each) for each in explanation.candidates]
    yield {**_whose(row), "plan": _told(explanation.plan), "considered": candidates}


def _whose(row: Record) -> dict[str, object]:
    return {"profile_id": row["profile_id"], "device_id": row["device_id"]}


def _told(message: Message) -> dict[str, object]:
    """A message with its own field names; what a plan says of a title is as the device was told."""
    return MessageToDict(message, preserving_proto_field_name=True)


HOLDINGS: Final = (
    # First: it is locked when settings change, so that this waits for whoever is changing them.
    Holding(
        kind="download_account",
        table="download_account",
        withheld="A row that holds the account's id alone, to be locked.",
        erase=sql.ERASE_ACCOUNT,
    ),
    Holding(
        kind="viewing",
        table="viewing",
        export=sql.EXPORT_VIEWING,
        keys=("profile_id", "viewing_id"),
        first=(_FIRST_ID, _FIRST_ID),
        erase=sql.ERASE_VIEWING,
    ),
    Holding(
        kind="my_list",
        table="my_list",
        export=sql.EXPORT_MY_LIST,
        keys=("profile_id", "title_id"),
        first=(_FIRST_ID, ""),
        erase=sql.ERASE_MY_LIST,
    ),
    Holding(
        kind="download_settings",
        table="download_settings",
        export=sql.EXPORT_SETTINGS,
        keys=("profile_id", "device_id"),
        first=(_FIRST_ID, ""),
        erase=sql.ERASE_SETTINGS,
    ),
    Holding(
        kind="download_plans",
        table="wanted_state",
        export=sql.EXPORT_PLANS,
        keys=("profile_id", "device_id"),
        first=(_FIRST_ID, ""),
        documents=_plan,
        erase=sql.ERASE_PLANS,
    ),
    Holding(
        kind="download_plan_explanations",
        table="plan_explanation",
        export=sql.EXPORT_EXPLANATIONS,
        keys=("plan_id",),
        first=(_FIRST_ID,),
        documents=_explanation,
        erase=sql.ERASE_EXPLANATIONS,
    ),
)
