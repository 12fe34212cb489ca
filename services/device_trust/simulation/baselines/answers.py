"""How a baseline answers: allowed, or asked for a code. None of them denies, and none knows a deferral."""

from __future__ import annotations

from services.device_trust.domain.records import Standing
from services.device_trust.replay.records import Answer, AnswerScores, Outcome, Record


def answer(record: Record, *, asked: bool, thief: float | None, reason: str = "") -> Answer:
    """The answer to a SIGN_IN or START. Whom a baseline lets in it takes for the household."""
    return Answer(
        time=record.time,
        account=record.account,
        device_id=record.device_id,
        event=record.event,
        outcome=Outcome.VERIFICATION_REQUIRED if asked else Outcome.ALLOWED,
        standing=Standing.UNCONFIRMED if asked else Standing.HOUSEHOLD,
        scores=AnswerScores(thief=thief),
        can_defer=False,
        can_use_code=asked,
        reasons=(reason,) if asked and reason else (),
    )
