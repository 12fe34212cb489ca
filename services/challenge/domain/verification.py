"""What becomes of a code that was entered, as far as it can be said without spending a guess."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError
from services.challenge.domain.challenge import Challenge, ChallengeState, Channel, Purpose


class VerificationResult(StrEnum):
    """What became of a code that was entered."""

    ACCEPTED = "accepted"
    WRONG_CODE = "wrong_code"
    EXPIRED = "expired"
    ALREADY_USED = "already_used"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    UNKNOWN = "unknown"


TO_CONTACTS: Final = frozenset(
    {Purpose.CONFIRM_HOUSEHOLD, Purpose.CONFIRM_OWNER, Purpose.PASSWORD_RESET, Purpose.PROFILE_TRANSFER}
)
"""The purposes whose codes go to contacts of the account, and are worth nothing once those are its contacts no more.
The others' go to an address that is yet to be proved."""
_RESULT_OF_STATE: Final = {
    ChallengeState.VERIFIED: VerificationResult.ALREADY_USED,
    ChallengeState.EXHAUSTED: VerificationResult.ATTEMPTS_EXHAUSTED,
    ChallengeState.EXPIRED: VerificationResult.EXPIRED,
    ChallengeState.SUPERSEDED: VerificationResult.EXPIRED,
    ChallengeState.REJECTED: VerificationResult.EXPIRED,
}


def concerns(challenge: Challenge | None, device_id: str, session_id: UUID | None) -> bool:
    """Whether this is a code challenge of this device and session; where it is not, it is as if there were none."""
    return (
        challenge is not None
        and challenge.requester.device_id == device_id
        and challenge.session_id == session_id
        and challenge.channel is not Channel.TRUSTED_DEVICE
    )


def went_to_one_of(challenge: Challenge, contact_hashes: Collection[bytes] | None) -> bool:
    """Whether a code went to one of these contacts; with None it is not looked where it went."""
    return contact_hashes is None or challenge.destination_hash in contact_hashes


def result_of_guess(challenge: Challenge, request_id: UUID) -> VerificationResult | None:
    """What came of the guess that this request has made; None where it has made none."""
    for guess in challenge.guesses:
        if guess.request_id == request_id:
            return VerificationResult.ACCEPTED if guess.accepted else VerificationResult.WRONG_CODE
    return None


def without_guess(state: ChallengeState) -> VerificationResult | None:
    """The answer where nothing may be compared any more; None where a guess may be spent."""
    return _RESULT_OF_STATE.get(state)


def request_id_reused() -> ServiceError:
    """The error for a request id that came before with another body."""
    violation = FieldViolation(field="request_id", description="was used before with another body")
    return ServiceError(ErrorReason.REQUEST_ID_REUSED, detail="request_id", fields=(violation,))
