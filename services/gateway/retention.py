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
    "own_account_target": "One row an account that a profile moved to, until it is erased.",
    "erasure": "What is being erased; once it is done, a hash and the dates stay as the receipt.",
    "slot": "As many rows an account as its plan has streams at once, used over and over.",
}


class GatewayRetention(RetentionSettings):
    """The gateway's numbers."""

    decision_retention_days: int = Field(default=90, ge=1, le=3650)
    """How long a decision can be explained, and a request id is known."""

    own_account_days: int = Field(default=90, ge=15, le=3650)
    """How long it is known who left with a profile: longer than it can be undone."""

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
            Rule(
                table="contact_change",
                what="new contacts and approvers that waited for a code",
                keep=_AFTER_THE_END,
                since="its code ended",
                why=ended,
                setting="",
                condition="expire_time <= $1",
            ),
            Rule(
                table="profile_transfer",
                what="owners' answers whether a profile may leave",
                keep=timedelta(),
                since="it ended",
                why="It is good for one own account, begun soon after.",
                setting="",
                condition="expire_time <= $1",
            ),
            Rule(
                table="pending_notice",
                what="notices that were given up",
                keep=_AFTER_THE_END,
                since="its time ran out",
                why="A worker deletes them when they are handed over or given up; this is for what it left.",
                setting="",
                condition="expire_time <= $1",
                walk="account_id",
            ),
            *self._own_accounts(ended),
        ]
        return Policy(service="gateway", rules=rules, bounded=_BOUNDED, catalogue={})

    def _own_accounts(self, ended: str) -> list[Rule]:
        return [
            Rule(
                table="own_account",
                what="own accounts whose code was never redeemed",
                keep=_AFTER_THE_END,
                since="it was begun",
                why=ended,
                setting="",
                condition="state = 'WAITING' and create_time <= $1",
                walk="account_id",
            ),
            Rule(
                table="own_account",
                what="own accounts that were made, or undone",
                keep=timedelta(days=self.own_account_days),
                since="it was done, or undone",
                why="It can be undone for 14 days, and asked about for a while: a quarter, ours.",
                setting="HEARTHGATE_OWN_ACCOUNT_DAYS",
                condition="state in ('DONE', 'UNDONE') and coalesce(undo_time, done_time) <= $1",
                walk="account_id",
            ),
        ]


if __name__ == "__main__":
    raise SystemExit(main(GatewayRetention, sys.argv[1:]))
