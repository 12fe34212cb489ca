"""What stands beside the engine: simple ways to judge that others have used or published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.device_trust.replay.records import Judge
from services.device_trust.simulation.baselines.addresses import IpEquality
from services.device_trust.simulation.baselines.codes import AlwaysCode
from services.device_trust.simulation.baselines.freeman import Freeman
from services.device_trust.simulation.baselines.speed import ImpossibleSpeed

BASELINES: Final[dict[str, Callable[[], Judge]]] = {
    "always_code": AlwaysCode,
    "ip_equality_31": IpEquality,
    "adobe_speed": ImpossibleSpeed,
    "freeman": Freeman,
}
"""Each baseline by the name under which it is reported."""
