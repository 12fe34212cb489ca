"""The errors that services raise, free of any transport.

A rule or a use case raises :class:`ServiceError` with a reason; ``libs.rpc`` alone knows which gRPC
status and which public text belong to it, so no exception's own text ever reaches a caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ErrorReason(StrEnum):
    """Why a call failed; the same names as ``hearthgate.common.v1.ErrorReason`` without its prefix."""

    INVALID_FIELD = "INVALID_FIELD"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    CALLER_UNKNOWN = "CALLER_UNKNOWN"
    CALLER_NOT_ALLOWED = "CALLER_NOT_ALLOWED"
    SESSION_UNKNOWN = "SESSION_UNKNOWN"
    CREDENTIALS_REJECTED = "CREDENTIALS_REJECTED"
    DEVICE_NOT_TRUSTED = "DEVICE_NOT_TRUSTED"
    NOT_FOUND = "NOT_FOUND"
    STATE_CONFLICT = "STATE_CONFLICT"
    ALLOWANCE_EXHAUSTED = "ALLOWANCE_EXHAUSTED"
    CHANNEL_UNAVAILABLE = "CHANNEL_UNAVAILABLE"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    OVERLOADED = "OVERLOADED"
    CONCURRENT_CHANGE = "CONCURRENT_CHANGE"
    DEADLINE_TOO_SHORT = "DEADLINE_TOO_SHORT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    DEPENDENCY_UNAVAILABLE = "DEPENDENCY_UNAVAILABLE"
    DRAINING = "DRAINING"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldViolation:
    """One bad field of a request: its path in the proto's own names, and what is wrong with it."""

    field: str
    description: str


class ServiceError(Exception):
    """A failure with a reason that callers may see and a detail that only the log may.

    ``detail`` goes to the log, never over the wire. ``metadata`` travels in ``google.rpc.ErrorInfo`` and must
    hold nothing secret. ``retry_after`` becomes ``google.rpc.RetryInfo``.
    """

    def __init__(
        self,
        reason: ErrorReason,
        *,
        detail: str = "",
        fields: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
        self.fields = tuple(fields)
        self.retry_after = retry_after
        self.metadata = dict(metadata or {})


def invalid_field(field: str, description: str) -> ServiceError:
    """The error for one bad field; ``field`` is its path in the request."""
    return ServiceError(
        ErrorReason.INVALID_FIELD,
        detail=f"{field}: {description}",
        fields=(FieldViolation(field=field, description=description),),
    )


def not_found(resource: str) -> ServiceError:
    """The error for a thing that is not there, or is not the asker's (the two are answered alike)."""
    return ServiceError(ErrorReason.NOT_FOUND, detail=resource, metadata={"resource": resource})
