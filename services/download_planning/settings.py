"""The service's settings; each is an environment variable of this name in capitals after ``HEARTHGATE_``."""

from __future__ import annotations

from typing import Final

from pydantic import Field, field_validator

from libs.rollout.experiment import Experiment
from libs.rollout.parsing import ExperimentError, parse_experiment
from libs.runtime.settings import ServiceSettings
from services.download_planning.domain.devices import Platform
from services.download_planning.retention import DownloadPlanningRetention

_DEFAULT_EXPERIMENT: Final = '{"key": "downloads", "on": true, "enforce_share": 1, "platforms": ["ANDROID", "IOS"]}'


class DownloadPlanningSettings(DownloadPlanningRetention, ServiceSettings):
    """What the download_planning service is told, beside what every service is."""

    downloads_experiment: str = _DEFAULT_EXPERIMENT
    """On whom Downloads For You is tried, as JSON (``libs.rollout.parsing``); the field's services began on phones."""
    downloads_max_per_device: int = Field(default=100, ge=1, le=1000)
    """Downloads on a device, those by hand included. 100: Netflix's help pages."""
    next_episodes_ahead: int = Field(default=1, ge=1, le=20)
    """Next episodes of each series being watched. 1: what Smart Downloads of the field fetch."""
    pinned_threads_max: int = Field(default=10, ge=1, le=100)
    """Films and series being watched that are pinned, newest first. Ours: more than a phone's budget holds."""
    candidates_max: int = Field(default=500, ge=1, le=500)
    """Titles considered for a plan, and kept as its explanation. 500: the most that ExplainPlan answers with."""
    popularity_window_days: int = Field(default=28, ge=1, le=366)
    """What counts as popular now. Ours: four whole weeks, so that weekends weigh evenly."""
    upkeep_seconds: float = Field(default=3600, gt=0, le=86_400)
    """How often what is past its retention is deleted. Ours."""
    popularity_interval_seconds: float = Field(default=300, gt=0, le=86_400)
    """How often popularity is summed anew, by one replica. Ours."""
    popularity_prior_viewers: int = Field(default=50, ge=1, le=1_000_000)
    """How many profiles' viewing a title's prior weighs as much as. Ours."""
    import_batch_rows: int = Field(default=500, ge=1, le=5000)
    """Titles written in one transaction. Ours: a batch takes some 20 ms."""
    watchers_max: int = Field(default=1000, ge=1, le=100_000)
    """WatchPlan streams of one process. Ours: each asks the database once a poll."""
    watch_poll_seconds: float = Field(default=1, gt=0, le=60)
    """How late another replica's plan may reach a watcher."""

    @field_validator("downloads_experiment")
    @classmethod
    def _is_experiment(cls, value: str) -> str:
        experiment = parse_experiment(value)
        unknown = (experiment.platforms or frozenset()) - set(Platform)
        if unknown:
            raise ExperimentError("platforms", f"must be among {', '.join(Platform)}")
        return value

    @property
    def experiment(self) -> Experiment:
        """The experiment that ``downloads_experiment`` describes."""
        return parse_experiment(self.downloads_experiment)
