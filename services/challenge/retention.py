"""What the challenge service keeps, how long and why. As a job: ``python -m services.challenge.retention run``."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Final

from pydantic import Field

from libs.persistence.retention import Policy, Rule
from libs.persistence.retention_job import RetentionSettings, main

_SUPPORT: Final = "A month, in which a customer may ask what was sent: ours."
_LIMITS: Final = "Far beyond the windows over which limits are counted (an hour, a day)."
_AGED: Final = (
    ("challenge", "challenges", "create_time", "it was made", _SUPPORT),
    ("delivery", "messages and what became of them", "create_time", "it was written", _SUPPORT),
    ("request", "what request ids made", "create_time", "it came", "No caller repeats a request so late."),
    ("failure_budget", "wrong codes", "last_failure_time", "the last wrong code", _LIMITS),
    ("account_send_window", "times of an account's messages", "last_send_time", "the last message", _LIMITS),
    ("destination_send_window", "times of a destination's messages", "last_send_time", "the last message", _LIMITS),
    ("phone_range", "codes sent and entered by range of numbers", "window_start", "its window began", _LIMITS),
    ("provider_message", "providers' ids of messages", "create_time", "it was noted", "Receipts come within days."),
)


_BOUNDED: Final = {
    "erased_account": "Hashes of erased accounts' ids, forgotten after 120 days, whenever another account is erased.",
}


class ChallengeRetention(RetentionSettings):
    """The service's numbers."""

    retention_days: int = Field(default=30, ge=1, description="How long ended challenges and requests are kept.")

    def retention_policy(self) -> Policy:
        """The service's policy."""
        keep = timedelta(days=self.retention_days)
        rules = [
            Rule(
                table=table,
                what=what,
                keep=keep,
                since=since,
                why=why,
                setting="HEARTHGATE_RETENTION_DAYS",
                condition=f"{column} < $1",
            )
            for table, what, column, since, why in _AGED
        ]
        return Policy(service="challenge", rules=[*rules, *_over()], bounded=_BOUNDED, catalogue={})


def _over() -> list[Rule]:
    """What ends by itself, at a time that stands in its row."""
    return [
        Rule(
            table="rate_bucket",
            what="limits by network and range",
            keep=timedelta(),
            since="it is full again",
            why="A full bucket is as good as none.",
            setting="",
            condition="full_time < $1",
        ),
        Rule(
            table="suppression",
            what="destinations to which no notices go",
            keep=timedelta(),
            since="it ended",
            why="It holds for HEARTHGATE_HARD_BOUNCE_PAUSE_DAYS or HEARTHGATE_UNSUBSCRIPTION_DAYS.",
            setting="",
            condition="expire_time < $1",
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(main(ChallengeRetention, sys.argv[1:]))
