"""A code for every new device: the household test of 2021, which asked who owned the account."""

from __future__ import annotations

from services.device_trust.replay.records import ANSWERED, Answer, Event, Record
from services.device_trust.simulation.baselines.answers import answer


class AlwaysCode:
    """Asks every device that the account has not seen before; one that passed a code is trusted for ever.

    The first device founds the account and is trusted. The score is 1 for a device without trust, else 0.
    """

    def __init__(self) -> None:
        self._trusted: dict[str, set[str]] = {}

    def handle(self, record: Record) -> Answer | None:
        """Take a record in; answer it if it is a SIGN_IN or a START."""
        trusted = self._trusted.setdefault(record.account, {record.device_id})
        if record.event is Event.CODE_PASSED:
            trusted.add(record.device_id)
        if record.event not in ANSWERED:
            return None
        asked = record.device_id not in trusted
        return answer(record, asked=asked, thief=float(asked), reason="new_device")
