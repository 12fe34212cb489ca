"""The same address within 31 days: a household is whoever shares an exact IP address."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.device_trust.replay.records import ANSWERED, Answer, Event, Record
from services.device_trust.simulation.baselines.answers import answer

_WINDOW: Final = timedelta(days=31)


@dataclass(kw_only=True, slots=True)
class _Account:
    founder: str
    trusted_at: dict[str, datetime] = field(default_factory=dict)
    """By address: when it was last used by a device with trust."""

    def trusts(self, record: Record) -> bool:
        if record.device_id == self.founder:
            return True
        used = self.trusted_at.get(record.ip)
        return used is not None and record.time - used <= _WINDOW


class IpEquality:
    """Allows a device whose exact address was used by a device with trust in the last 31 days, and asks any other.

    The account's first device always has trust, so each of its addresses is the household's. Any other has trust while
    its address does, and renews it by playing; a passed code gives trust to the address. The score is 1 or 0.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def handle(self, record: Record) -> Answer | None:
        """Take a record in; answer it if it is a SIGN_IN or a START."""
        account = self._accounts.setdefault(record.account, _Account(founder=record.device_id))
        trusted = record.event is Event.CODE_PASSED or account.trusts(record)
        if trusted:
            account.trusted_at[record.ip] = record.time
        if record.event not in ANSWERED:
            return None
        return answer(record, asked=not trusted, thief=float(not trusted), reason="unknown_address")
