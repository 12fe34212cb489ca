"""The room on a device, while a plan is being made: bytes of the budget, bytes of the disk, number of downloads.

Both byte limits hold at the plan's peak, when everything is fetched and what waits for a replacement is still there.
"""

from __future__ import annotations

from services.download_planning.domain.devices import InventoryItem
from services.download_planning.domain.plan import ExclusionReason, PlanInput
from services.download_planning.domain.titles import Rendition


class Room:
    """What is left for a plan's items. What nobody may remove has its place from the beginning."""

    def __init__(self, request: PlanInput) -> None:
        protected = [item for item in request.inventory if item.is_protected]
        removable = sum(item.downloaded_bytes for item in request.inventory if not item.is_protected)
        self._budget = request.settings.budget_bytes - sum(
            item.downloaded_bytes for item in protected if not item.by_hand
        )
        self._disk = request.free_bytes + removable
        self._places = request.max_items - len(protected)

    def take(self, rendition: Rendition, present: InventoryItem | None) -> ExclusionReason | None:
        """Take the room of a title in this rendition, ``present`` being what is there of it; or say what is missing."""
        grown = bytes_at_peak(rendition, present)
        is_protected = present is not None and present.is_protected
        if present is not None and is_protected:
            grown -= present.downloaded_bytes
        return self._take(grown, places=0 if is_protected else 1)

    def hold(self, item: InventoryItem) -> bool:
        """Keep the room of something that goes later. False, and nothing taken, where there is none."""
        return self._take(item.downloaded_bytes, places=1) is None

    def _take(self, size: int, *, places: int) -> ExclusionReason | None:
        if places > self._places or self._places < 0:
            return ExclusionReason.DEVICE_LIMIT
        if size > self._budget or size > self._disk or self._budget < 0:
            return ExclusionReason.BUDGET
        self._budget -= size
        self._disk -= size
        self._places -= places
        return None


def bytes_at_peak(rendition: Rendition, present: InventoryItem | None) -> int:
    """The most bytes that a title takes while it is fetched; another rendition stays until the new one is there."""
    if present is None:
        return rendition.size_bytes
    if present.rendition_id == rendition.rendition_id:
        return max(rendition.size_bytes, present.downloaded_bytes)
    return rendition.size_bytes + present.downloaded_bytes
