"""What the use cases work with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from libs.rollout.experiment import Experiment
from libs.runtime.clock import Clock
from libs.runtime.ids import Ids
from services.download_planning.storage.catalogue import CatalogueCache, CatalogueStore
from services.download_planning.storage.my_list import MyListStore
from services.download_planning.storage.store import PlanningStore
from services.download_planning.watchers import PlanWatchers


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The numbers that planning goes by; ``settings.py`` says where each default comes from."""

    experiment: Experiment
    max_items: int = 100
    episodes_ahead: int = 1
    pinned_threads: int = 10
    max_candidates: int = 500
    import_batch_rows: int = 500
    watch_poll: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The dependencies of the use cases, made once at start."""

    store: PlanningStore
    my_list: MyListStore
    catalogue_store: CatalogueStore
    catalogue: CatalogueCache
    watchers: PlanWatchers
    clock: Clock
    ids: Ids
    policy: Policy
