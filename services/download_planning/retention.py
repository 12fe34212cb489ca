"""What download_planning keeps, how long and why. As a job: ``python -m services.download_planning.retention run``."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Final

from pydantic import Field

from libs.persistence.retention import Policy, Rule
from libs.persistence.retention_job import RetentionSettings, main

_PER_DEVICE: Final = "One row for a profile on a device; an account's devices for downloads are bounded by its plan."
_BOUNDED: Final = {
    "my_list": "A bounded number of titles a profile.",
    "erased_account": "Hashes of erased accounts' ids, forgotten after 120 days, whenever another account is erased.",
    "download_account": "One row an account: the lock under which its devices are counted.",
    "download_settings": _PER_DEVICE + " It is what the viewer chose, so it does not go by itself.",
    "wanted_state": _PER_DEVICE + " The newest plan takes the place of the one before.",
}
_OF_CATALOGUE: Final = "The catalogue's size; replaced as a whole by imports."
_CATALOGUE: Final = {
    "catalogue_state": "One row.",
    "title": _OF_CATALOGUE,
    "rendition": _OF_CATALOGUE,
    "licence_window": _OF_CATALOGUE,
    "title_popularity": "As many rows as titles; summed anew all the time.",
}


class DownloadPlanningRetention(RetentionSettings):
    """The service's numbers."""

    explanation_retention_days: int = Field(default=30, ge=1, le=3650)
    """How long it can be explained why a plan was as it was. Ours: a support case's usual life."""
    viewing_retention_days: int = Field(default=730, ge=366, le=3650)
    """How long it is kept what a profile watched. Ours: two years, so that a series that returns each year is known."""

    def retention_policy(self) -> Policy:
        """The service's policy."""
        rules = [
            Rule(
                table="plan_explanation",
                what="what was considered for plans",
                keep=timedelta(days=self.explanation_retention_days),
                since="the plan was made",
                why="A support case's usual life: ours.",
                setting="HEARTHGATE_EXPLANATION_RETENTION_DAYS",
                condition="create_time < $1",
            ),
            Rule(
                table="viewing",
                what="what profiles watched",
                keep=timedelta(days=self.viewing_retention_days),
                since="it was watched",
                why="Two years: a series that returns each year is still known, and older taste says little. Ours.",
                setting="HEARTHGATE_VIEWING_RETENTION_DAYS",
                condition="event_time < $1",
            ),
        ]
        return Policy(service="download_planning", rules=rules, bounded=_BOUNDED, catalogue=_CATALOGUE)


if __name__ == "__main__":
    raise SystemExit(main(DownloadPlanningRetention, sys.argv[1:]))
