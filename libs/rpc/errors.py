"""Errors on the wire: the catalogue of reasons, ``google.rpc.Status`` with its details, and the way back.

The caller sees a reason, a fixed text and the details that its author chose to show; an exception's own text
stays in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError

DOMAIN: Final = "hearthgate"
DETAILS_KEY: Final = "grpc-status-details-bin"
PUSHBACK_KEY: Final = "grpc-retry-pushback-ms"

# Trailers have to fit into the peer's metadata limit (8 KiB by default).
_MAX_VIOLATIONS: Final = 16
_MAX_TEXT: Final = 160
# A longer wait than this is the caller's own decision, so the channel is told not to retry by itself.
_LONGEST_PUSHBACK: Final = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a reason looks like from outside: the gRPC status and the text that a caller reads."""

    status: grpc.StatusCode
    text: str


def _entry(status: grpc.StatusCode, text: str) -> Entry:
    return Entry(status=status, text=text)


CATALOGUE: Final[Mapping[ErrorReason, Entry]] = MappingProxyType(
    {
        ErrorReason.INVALID_FIELD: _entry(grpc.StatusCode.INVALID_ARGUMENT, "A field of the request is not valid."),
        ErrorReason.REQUEST_ID_REUSED: _entry(
            grpc.StatusCode.INVALID_ARGUMENT, "This request_id was used before, with another request."
        ),
        ErrorReason.CALLER_UNKNOWN: _entry(grpc.StatusCode.UNAUTHENTICATED, "The calling service is not known."),
        ErrorReason.CALLER_NOT_ALLOWED: _entry(
            grpc.StatusCode.PERMISSION_DENIED, "The calling service may not call this method."
        ),
        ErrorReason.SESSION_UNKNOWN: _entry(grpc.StatusCode.UNAUTHENTICATED, "The session is not known or has ended."),
        ErrorReason.CREDENTIALS_REJECTED: _entry(grpc.StatusCode.UNAUTHENTICATED, "The credentials were not accepted."),
        ErrorReason.DEVICE_NOT_TRUSTED: _entry(grpc.StatusCode.PERMISSION_DENIED, "The device may not do this."),
        ErrorReason.NOT_FOUND: _entry(grpc.StatusCode.NOT_FOUND, "There is no such thing here."),
        ErrorReason.STATE_CONFLICT: _entry(
            grpc.StatusCode.FAILED_PRECONDITION, "The present state does not allow this."
        ),
        ErrorReason.ALLOWANCE_EXHAUSTED: _entry(
            grpc.StatusCode.FAILED_PRECONDITION, "The allowance for this is used up."
        ),
        ErrorReason.CHANNEL_UNAVAILABLE: _entry(
            grpc.StatusCode.FAILED_PRECONDITION, "This way of reaching the owner is not available."
        ),
        ErrorReason.LIMIT_EXCEEDED: _entry(
            grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many attempts; wait, then try again."
        ),
        ErrorReason.OVERLOADED: _entry(
            grpc.StatusCode.RESOURCE_EXHAUSTED, "The service is busy; wait, then try again."
        ),
        ErrorReason.CONCURRENT_CHANGE: _entry(
            grpc.StatusCode.ABORTED, "Somebody changed the same thing meanwhile; try again."
        ),
        ErrorReason.DEADLINE_TOO_SHORT: _entry(
            grpc.StatusCode.DEADLINE_EXCEEDED, "Too little time was left to begin the call."
        ),
        ErrorReason.DEADLINE_EXCEEDED: _entry(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "The call took too long; it may have taken effect, so repeat it with the same request_id.",
        ),
        ErrorReason.STORAGE_UNAVAILABLE: _entry(grpc.StatusCode.UNAVAILABLE, "Storage cannot be reached; try again."),
        ErrorReason.DEPENDENCY_UNAVAILABLE: _entry(
            grpc.StatusCode.UNAVAILABLE, "A service behind this one cannot be reached; try again."
        ),
        ErrorReason.DRAINING: _entry(grpc.StatusCode.UNAVAILABLE, "This instance is stopping; try again."),
        ErrorReason.INTERNAL: _entry(grpc.StatusCode.INTERNAL, "Something failed inside the service."),
    }
)
"""Every reason, with its gRPC status and public text."""

LIMIT_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "password_guesses": "Too many wrong passwords; wait, or choose a new password with a code by mail.",
        "password_guesses_in_row": "Too many wrong passwords; choose a new password with a code by mail.",
        "password_guesses_per_network": "Too many wrong passwords from this network; wait, then try again.",
    }
)
"""In place of the reason's text: limits, as metadata names them, after which there is more to say than to wait."""


class RemoteError(ServiceError):
    """A :class:`ServiceError` that another service answered with; ``status`` is the gRPC status it came under."""

    status: grpc.StatusCode = grpc.StatusCode.UNKNOWN


def to_status(error: ServiceError) -> Status:
    """The ``google.rpc.Status`` of an error: fixed text, ErrorInfo, and BadRequest and RetryInfo where they apply."""
    entry = CATALOGUE[error.reason]
    code: int = entry.status.value[0]
    limit = error.metadata.get("limit", "") if error.reason is ErrorReason.LIMIT_EXCEEDED else ""
    text = LIMIT_TEXTS.get(limit, entry.text)
    return Status(code=code, message=text, details=[_pack(detail) for detail in _details(error)])


def to_trailers(error: ServiceError, status: Status) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata that carries ``status``, and how long the caller's channel waits before it retries."""
    details = (DETAILS_KEY, status.SerializeToString())
    if error.reason is ErrorReason.DEPENDENCY_UNAVAILABLE:
        # This service's own channel has tried; were its callers' channels to try as well, the attempts would multiply.
        return (details, (PUSHBACK_KEY, "-1"))
    if error.retry_after is None:
        return (details,)
    # The native retry policy does not read RetryInfo; -1 forbids it to retry.
    short = error.retry_after <= _LONGEST_PUSHBACK
    pushback = int(error.retry_after.total_seconds() * 1000) if short else -1
    return (details, (PUSHBACK_KEY, str(pushback)))


def from_rpc_error(error: grpc.aio.AioRpcError) -> RemoteError:
    """The error that the called service raised, rebuilt.

    Without details of ours: UNAVAILABLE and CANCELLED become DEPENDENCY_UNAVAILABLE, DEADLINE_EXCEEDED stays what it
    is, everything else becomes INTERNAL. The peer's text goes into ``detail``, which only the log sees.
    """
    details = _own_details(error.trailing_metadata())
    rebuilt = _rebuild(details, error) if details else None
    if rebuilt is None:
        rebuilt = RemoteError(_reason_of(error.code()), detail=f"{error.code().name}: {error.details()}")
    rebuilt.status = error.code()
    return rebuilt


def hide_inner_reason(error: RemoteError) -> ServiceError:
    """What to answer where an error of a service behind this one reaches this one's caller as it came.

    A reason that speaks of *this* service as a caller would mislead there, so it is replaced; the others go through.
    """
    match error.reason:
        case ErrorReason.CALLER_UNKNOWN | ErrorReason.CALLER_NOT_ALLOWED:
            return ServiceError(ErrorReason.INTERNAL, detail=f"refused by a dependency: {error}")
        case ErrorReason.DRAINING | ErrorReason.STORAGE_UNAVAILABLE:
            reason = ErrorReason.DEPENDENCY_UNAVAILABLE
            return ServiceError(reason, detail=str(error), retry_after=error.retry_after)
        case ErrorReason.DEADLINE_TOO_SHORT:
            return ServiceError(ErrorReason.DEADLINE_EXCEEDED, detail=str(error))
    return error


def _details(error: ServiceError) -> Iterable[Message]:
    yield ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    if error.fields:
        violations = [
            BadRequest.FieldViolation(field=violation.field[:_MAX_TEXT], description=violation.description[:_MAX_TEXT])
            for violation in error.fields[:_MAX_VIOLATIONS]
        ]
        yield BadRequest(field_violations=violations)
    if error.retry_after is not None:
        retry = RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        yield retry


def _pack(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def _own_details(trailers: grpc.aio.Metadata | None) -> list[AnyMessage]:
    for key, value in trailers or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return list(Status.FromString(value).details)
            except DecodeError:
                return []
    return []


def _rebuild(details: list[AnyMessage], error: grpc.aio.AioRpcError) -> RemoteError | None:
    info, bad_request, retry = ErrorInfo(), BadRequest(), RetryInfo()
    retried = False
    for detail in details:
        try:
            detail.Unpack(info) or detail.Unpack(bad_request)
            retried = detail.Unpack(retry) or retried
        except DecodeError:
            return None
    if info.domain != DOMAIN or info.reason not in ErrorReason.__members__:
        return None
    return RemoteError(
        ErrorReason(info.reason),
        detail=f"answered with {error.code().name}",
        fields=[
            FieldViolation(field=each.field, description=each.description) for each in bad_request.field_violations
        ],
        retry_after=retry.retry_delay.ToTimedelta() if retried else None,
        metadata=info.metadata,
    )


def _reason_of(code: grpc.StatusCode) -> ErrorReason:
    match code:
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return ErrorReason.DEPENDENCY_UNAVAILABLE
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return ErrorReason.DEADLINE_EXCEEDED
    return ErrorReason.INTERNAL
