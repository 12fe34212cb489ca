"""DecideChallenge: a household device says yes, or "it wasn't me"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from libs.runtime.logging import get_logger
from services.challenge.domain.challenge import Challenge, ChallengeState, ChallengeView
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.use_cases.context import Context

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideChallenge:
    """The request."""

    account_id: UUID
    challenge_id: UUID
    deciding_device_id: str
    approve: bool


async def decide_challenge(command: DecideChallenge, *, context: Context) -> ChallengeView:
    """End a challenge. "It wasn't me" ends one of any channel; a yes only one that is a question on a device.

    A device that repeats itself gets the same answer. Raises NOT_FOUND, STATE_CONFLICT, INVALID_FIELD.
    """
    store, now = ChallengeStore(context.database), context.clock.now()
    wanted = ChallengeState.APPROVED if command.approve else ChallengeState.REJECTED
    decided = await store.decide(command.account_id, command.challenge_id, command.deciding_device_id, wanted, now)
    if decided is None:
        unchanged = await store.find(command.account_id, command.challenge_id)
        return await context.view_of(_decided_before(unchanged, command, wanted, now))
    context.changes.announce(command.account_id, command.challenge_id)
    _log.info(
        "challenge decided",
        account_id=command.account_id,
        challenge_id=command.challenge_id,
        deciding_device_id=command.deciding_device_id,
        state=wanted,
    )
    return await context.view_of(decided)


def _decided_before(
    challenge: Challenge | None, command: DecideChallenge, wanted: ChallengeState, now: datetime
) -> Challenge:
    if challenge is None:
        raise not_found("challenge")
    if challenge.requester.device_id == command.deciding_device_id:
        raise invalid_field("deciding_device_id", "must not be the device that asks")
    if challenge.state is wanted and challenge.deciding_device_id == command.deciding_device_id:
        return challenge
    state = challenge.state_at(now)
    raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"challenge {state}", metadata={"state": state.name})
