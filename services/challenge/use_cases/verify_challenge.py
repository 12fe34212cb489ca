"""VerifyChallenge: checks a code, spending a guess before it compares."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.challenge.domain.challenge import Challenge, ChallengeView
from services.challenge.domain.charges import charge_of_guess
from services.challenge.domain.verification import (
    VerificationResult,
    concerns,
    result_of_guess,
    went_to_one_of,
    without_guess,
)
from services.challenge.metrics import count_code, count_refused
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.storage.limits import LimitStore
from services.challenge.storage.requests import Made, Request, RequestStore
from services.challenge.use_cases.charging import GiveBack
from services.challenge.use_cases.context import Context

RPC: Final = "VerifyChallenge"
# The budget that guesses at nothing are booked to, and taken back from.
_NO_PURPOSE: Final = "unknown"
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyChallenge:
    """The request. ``contacts``: whose code counts, None where that is not looked at.

    ``body`` is what tells it from another one under its id.
    """

    request_id: UUID
    account_id: UUID
    challenge_id: UUID
    device_id: str
    session_id: UUID | None
    ip_address: str = field(repr=False)
    code: str = field(repr=False)
    body: bytes = field(repr=False)
    contacts: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The answer; ``view`` is None where the challenge is unknown."""

    result: VerificationResult
    view: ChallengeView | None


async def verify_challenge(command: VerifyChallenge, *, context: Context) -> Verification:
    """Say what becomes of a code. Each step is committed by itself, so that a guess once made stays made.

    Raises REQUEST_ID_REUSED, and LIMIT_EXCEEDED where too many wrong codes came from the same network.
    """
    now = context.clock.now()
    request = Request(
        account_id=command.account_id,
        request_id=command.request_id,
        rpc=RPC,
        body_digest=context.keys.body_digest(RPC, command.body),
    )
    before = await RequestStore(context.database).begin(request, now)
    challenge = await ChallengeStore(context.database).find(command.account_id, command.challenge_id)
    if challenge is None or not concerns(challenge, command.device_id, command.session_id):
        await _charge_network(command, now, context)
        await _work_as_if_known(command, now, context)
        return Verification(result=VerificationResult.UNKNOWN, view=None)
    # What came of this very request goes first: a repeat is answered the same though the contact was removed since.
    result = _known_result(challenge, command, before, now)
    if result is None:
        if _went_elsewhere(challenge, command, context):
            result = VerificationResult.EXPIRED
        else:
            result, challenge = await _guess_from_network(command, challenge, now, context)
        if result in (VerificationResult.ATTEMPTS_EXHAUSTED, VerificationResult.EXPIRED):
            await RequestStore(context.database).keep_answer(request, result)
        if result is VerificationResult.ACCEPTED and challenge.phone_range_hashes:
            await LimitStore(context.database).count_verified(challenge.phone_range_hashes)
    count_code(purpose=challenge.purpose, result=result)
    _log.info(
        "code checked",
        account_id=command.account_id,
        challenge_id=command.challenge_id,
        device_id=command.device_id,
        result=result,
    )
    return Verification(result=result, view=await context.view_of(challenge))


def _known_result(
    challenge: Challenge, command: VerifyChallenge, before: Made | None, now: datetime
) -> VerificationResult | None:
    if before is not None and before.answer is not None:
        return VerificationResult(before.answer)
    return result_of_guess(challenge, command.request_id) or without_guess(challenge.state_at(now))


def _went_elsewhere(challenge: Challenge, command: VerifyChallenge, context: Context) -> bool:
    hashes = None if command.contacts is None else context.keys.contact_hashes(command.contacts)
    return not went_to_one_of(challenge, hashes)


async def _guess_from_network(
    command: VerifyChallenge, challenge: Challenge, now: datetime, context: Context
) -> tuple[VerificationResult, Challenge]:
    """Guess; the network pays before, and gets it back unless the code was wrong."""
    give_back = await _charge_network(command, now, context)
    result, challenge = await _guess(command, challenge, now, context)
    if result is not VerificationResult.WRONG_CODE and give_back is not None:
        await give_back()
    return result, challenge


async def _charge_network(command: VerifyChallenge, now: datetime, context: Context) -> GiveBack | None:
    """One code tried from a network, whatever the account: who tries one on each of many is stopped by this alone."""
    charge = charge_of_guess(command.ip_address, context.policy)
    if charge is None:
        return None
    hashed, limits = context.keys.bucket_hash(charge.kind, charge.key), LimitStore(context.database)
    try:
        await limits.charge_bucket(hashed, charge, now)
    except ServiceError as error:
        count_refused(error.metadata.get("limit", ""))
        raise
    return partial(limits.refund_bucket, hashed, charge)


async def _guess(
    command: VerifyChallenge, challenge: Challenge, now: datetime, context: Context
) -> tuple[VerificationResult, Challenge]:
    limits, policy, purpose = LimitStore(context.database), context.policy, challenge.purpose
    mark = await limits.charge_failure(
        command.account_id,
        purpose,
        limit=policy.failures,
        in_a_row=policy.consecutive_failures,
        pause=policy.consecutive_pause,
        now=now,
    )
    if mark is None:
        return VerificationResult.ATTEMPTS_EXHAUSTED, challenge
    spent = await _spend(command, now, context)
    if spent is None:
        await limits.settle_failure(command.account_id, purpose, mark, succeeded=False)
        return await _overtaken(command, now, context)
    result = result_of_guess(spent, command.request_id)
    if result is VerificationResult.ACCEPTED:
        await limits.settle_failure(command.account_id, purpose, mark, succeeded=True)
    context.changes.announce(command.account_id, command.challenge_id)
    return result or VerificationResult.WRONG_CODE, spent


async def _spend(command: VerifyChallenge, now: datetime, context: Context) -> Challenge | None:
    return await ChallengeStore(context.database).spend_guess(
        command.account_id,
        command.challenge_id,
        command.device_id,
        command.session_id,
        code_hash=context.keys.code_hash(command.challenge_id, command.code),
        request_id=command.request_id,
        now=now,
    )


async def _overtaken(command: VerifyChallenge, now: datetime, context: Context) -> tuple[VerificationResult, Challenge]:
    """Another request ended the challenge, or was this same one, between our look at it and our guess."""
    challenge = (await context.view(command.account_id, command.challenge_id)).challenge
    result = _known_result(challenge, command, None, now)
    return result or VerificationResult.ATTEMPTS_EXHAUSTED, challenge


async def _work_as_if_known(command: VerifyChallenge, now: datetime, context: Context) -> None:
    """As many statements and commits as a wrong code takes, so that time does not tell the two apart."""
    limits, policy = LimitStore(context.database), context.policy
    context.keys.code_hash(command.challenge_id, command.code)
    mark = await limits.charge_failure(
        command.account_id,
        _NO_PURPOSE,
        limit=policy.failures,
        in_a_row=policy.consecutive_failures,
        pause=policy.consecutive_pause,
        now=now,
    )
    if mark is not None:
        await limits.settle_failure(command.account_id, _NO_PURPOSE, mark, succeeded=True)
    await context.views_of(command.account_id, [])
