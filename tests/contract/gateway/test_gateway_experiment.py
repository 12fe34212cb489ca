"""The sharing check as an experiment: off, observed, enforced. Theft is stopped in every cell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from tests.contract.gateway.gateway_world import ABROAD, ELSEWHERE, Household, World, laptop_fields

OFF = {"key": "sharing-check", "on": False, "enforce_share": 1.0}
OBSERVE = {"key": "sharing-check", "on": True, "observe_share": 1.0}
AUSTRIA_ALONE = {"key": "sharing-check", "on": True, "enforce_share": 1.0, "countries": ["AT"]}
CELLS = [(OFF, "control", None), (OBSERVE, "observe", "VERIFICATION_REQUIRED"), (AUSTRIA_ALONE, "control", None)]


@pytest.fixture
def gateway_settings(experiment: dict[str, Any]) -> dict[str, Any]:
    """The experiment of the test."""
    return {"sharing_experiment": json.dumps(experiment)}


@pytest.mark.parametrize(("experiment", "cell", "shadow"), CELLS, ids=["off", "observe", "elsewhere"])
async def test_outside_the_enforcing_cell_an_unconfirmed_device_plays_and_theft_is_stopped(
    home: Household, world: World, cell: str, shadow: str | None
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    played = await friend.play("film")
    assert played.outcome == decision_pb.OUTCOME_ALLOWED
    assert played.reasons[0].code == decision_pb.REASON_CODE_NOT_ENFORCED
    assert (await friend.renew(played.stream)).outcome == decision_pb.OUTCOME_ALLOWED
    assert await _kept(world, home, played.decision_id) == (cell, shadow)
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    stopped = await thief.play("film")
    assert stopped.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert stopped.reasons[0].code == decision_pb.REASON_CODE_SUSPECTED_THEFT
    at_home = await home.tv.play("film")
    assert at_home.reasons[0].code == decision_pb.REASON_CODE_HOUSEHOLD
    assert await _kept(world, home, at_home.decision_id) == (cell, "ALLOWED" if shadow else None)


async def _kept(world: World, home: Household, decision_id: str) -> tuple[str, str | None]:
    """The cell and the shadow outcome of a decision, as they are kept."""
    row = await world.databases["gateway"].fetch_row(
        "select cell, shadow_outcome from decision where account_id = $1 and decision_id = $2",
        *(home.account_id, decision_id),
    )
    assert row is not None
    return row["cell"], row["shadow_outcome"]
