"""What the use cases need, handed to each of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from libs.persistence.database import Database
from libs.runtime.clock import Clock
from libs.runtime.ids import Ids
from services.device_trust.domain.model import default_model
from services.device_trust.domain.policy import Policy, Retention
from services.device_trust.domain.scoring import Scorer, scorer


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The service's dependencies and policy."""

    database: Database
    clock: Clock
    ids: Ids
    policy: Policy
    retention: Retention
    scorer: Scorer = field(default_factory=lambda: scorer(default_model()))
