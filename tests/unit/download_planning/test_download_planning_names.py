"""The names of the domain are those of the contract, so that every value sent can be read and every answer written."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from hearthgate.common.v1 import client_context_pb2, standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from services.download_planning.domain.devices import NetworkType, Platform, Standing
from services.download_planning.domain.plan import ExclusionReason, PlanReason, RemovalReason
from services.download_planning.domain.titles import TitleKind
from services.download_planning.domain.viewing import ViewingState


@pytest.mark.parametrize(
    ("domain", "contract", "prefix"),
    [
        (ExclusionReason, pb.ExclusionReason, "EXCLUSION_REASON_"),
        (NetworkType, pb.NetworkType, "NETWORK_TYPE_"),
        (Platform, client_context_pb2.Platform, "PLATFORM_"),
        (RemovalReason, pb.RemovalReason, "REMOVAL_REASON_"),
        (Standing, standing_pb2.Standing, "STANDING_"),
        (TitleKind, pb.TitleKind, "TITLE_KIND_"),
        (ViewingState, pb.ViewingState, "VIEWING_STATE_"),
    ],
)
def test_an_enum_has_the_names_of_the_contract(domain: type[StrEnum], contract: Any, prefix: str) -> None:
    """All of them, except for the unspecified one."""
    assert {f"{prefix}{each}" for each in domain} == set(contract.keys()) - {f"{prefix}UNSPECIFIED"}


def test_every_plan_reason_but_by_hand_is_used() -> None:
    """What was downloaded by hand is not listed in a plan."""
    names = {f"PLAN_REASON_{each}" for each in PlanReason}
    assert names == set(pb.PlanReason.keys()) - {"PLAN_REASON_UNSPECIFIED", "PLAN_REASON_BY_HAND"}
