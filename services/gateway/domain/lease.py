"""Stream leases: a slot of the plan, held for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class LeasePolicy:
    """How long a lease holds and when it is to be renewed. Defaults: 90 s and 60 s (Adobe's active session)."""

    lease: timedelta = timedelta(seconds=90)
    renew_after: timedelta = timedelta(seconds=60)

    def expire_time(self, now: datetime, until: datetime | None) -> datetime:
        """The lease's end: never beyond the end of the permission it rests on."""
        end = now + self.lease
        return min(end, until) if until else end

    def renew_time(self, now: datetime, expire_time: datetime) -> datetime:
        """When to renew: never after the lease's end."""
        return min(now + self.renew_after, expire_time)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamRequest:
    """Who wants a slot for what. ``replace_device_streams``: a guest has one stream, so its earlier one makes room."""

    account_id: UUID
    stream_id: UUID
    session_id: UUID
    device_id: str
    device_name: str
    profile_id: UUID
    title_id: str
    stop_stream_ids: tuple[UUID, ...]
    replace_device_streams: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """A slot that is held. A lower fencing token than the slot's newest is stale."""

    stream_id: UUID
    expire_time: datetime
    fencing_token: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveStream:
    """A stream that holds a slot."""

    stream_id: UUID
    session_id: UUID
    device_id: str
    device_name: str
    profile_id: UUID
    title_id: str
    start_time: datetime
    fencing_token: int
