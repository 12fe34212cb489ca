"""What the gateway keeps, how long and why. As a job: ``python -m services.gateway.retention run``."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Final

from pydantic import Field

from libs.persistence.retention import Policy, Rule
from libs.persistence.retention_job import RetentionSettings, main

_AFTER_THE_END: Final = timedelta(days=1)
_BOUNDED: Final = {
    "admission": "One row an account. Its epoch must not be forgotten: what was revoked under it would count again.",
    "slot": "As many rows an account as its plan has streams at once, used over and over.",
}


class GatewayRetention(RetentionSettings):
    """The gateway's numbers."""

    decision_retention_days: int = Field(default=90, ge=1, le=3650)
    """How long a decision can be explained, and a request id is known."""

    def retention_policy(self) -> Policy:
        """The gateway's policy."""
        ended = "A repeat of a request still finds what it was about, this long after its code ended."
        rules = [
            Rule(
                table="decision",
                what="decisions",
                keep=timedelta(days=self.decision_retention_days),
                since="it was decided",
                why="To explain a refusal to its customer and to answer a repeat: a quarter, ours.",
                setting="HEARTHGATE_DECISION_RETENTION_DAYS",
                condition="decide_time <= $1",
            ),
            Rule(
                table="asker",
                what="clients behind verifications",
                keep=_AFTER_THE_END,
                since="its challenge ended",
                why=ended,
                setting="",
                condition="expire_time <= $1",
            ),
            Rule(
                table="proof",
                what="sign-ups and password resets that waited for a code",
                keep=_AFTER_THE_END,
                since="its code ended",
                why=ended,
                setting="",
                condition="expire_time <= $1",
            ),
        ]
        return Policy(service="gateway", rules=rules, bounded=_BOUNDED, catalogue={})


if __name__ == "__main__":
    raise SystemExit(main(GatewayRetention, sys.argv[1:]))
