"""The catalogue of errors and their form on the wire."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from libs.rpc.errors import (
    CATALOGUE,
    DETAILS_KEY,
    PUSHBACK_KEY,
    RemoteError,
    from_rpc_error,
    hide_inner_reason,
    to_status,
    to_trailers,
)
from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError

_CONTRACT = Path(__file__).parents[3] / "protos" / "hearthgate" / "common" / "v1" / "error_reason.proto"


def round_trip(error: ServiceError) -> RemoteError:
    status = to_status(error)
    trailers = grpc.aio.Metadata(*to_trailers(error, status))
    code = CATALOGUE[error.reason].status
    return from_rpc_error(grpc.aio.AioRpcError(code, None, trailers, status.message))


def test_the_catalogue_covers_every_reason() -> None:
    assert set(CATALOGUE) == set(ErrorReason)
    assert all(entry.text and entry.status is not grpc.StatusCode.OK for entry in CATALOGUE.values())


def test_the_catalogue_gives_the_statuses_that_the_contract_promises() -> None:
    pairs = re.findall(r"// ([A-Z_]+): [^\n]*\n(?:\s*//[^\n]*\n)*\s*ERROR_REASON_(\w+) =", _CONTRACT.read_text())
    promised = {reason: status for status, reason in pairs}
    assert {reason.value: entry.status.name for reason, entry in CATALOGUE.items()} == promised


@pytest.mark.parametrize("reason", list(ErrorReason))
def test_every_reason_survives_the_way_to_the_caller(reason: ErrorReason) -> None:
    rebuilt = round_trip(ServiceError(reason, detail="canary"))
    assert rebuilt.reason is reason
    assert rebuilt.status is CATALOGUE[reason].status
    assert "canary" not in str(rebuilt)


def test_fields_metadata_and_retry_delay_survive_the_way_to_the_caller() -> None:
    fields = (FieldViolation(field="client.device.id", description="must be a UUID"),)
    sent = ServiceError(
        ErrorReason.LIMIT_EXCEEDED, fields=fields, retry_after=timedelta(seconds=90), metadata={"limit": "texts"}
    )
    rebuilt = round_trip(sent)
    assert (rebuilt.fields, rebuilt.retry_after, rebuilt.metadata) == (
        fields,
        timedelta(seconds=90),
        {"limit": "texts"},
    )


def test_the_detail_of_an_error_is_not_in_its_status() -> None:
    error = ServiceError(ErrorReason.INTERNAL, detail="canary")
    assert b"canary" not in to_status(error).SerializeToString()


def test_violations_are_cut_to_what_fits_into_trailers() -> None:
    fields = [FieldViolation(field="f" * 1000, description="d" * 1000)] * 1000
    status = to_status(ServiceError(ErrorReason.INVALID_FIELD, fields=fields))
    assert status.ByteSize() < 8192


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, ErrorReason.DEPENDENCY_UNAVAILABLE),
        (grpc.StatusCode.CANCELLED, ErrorReason.DEPENDENCY_UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, ErrorReason.DEADLINE_EXCEEDED),
        (grpc.StatusCode.UNIMPLEMENTED, ErrorReason.INTERNAL),
        (grpc.StatusCode.NOT_FOUND, ErrorReason.INTERNAL),
    ],
)
def test_a_status_without_our_details_becomes_a_reason_by_its_code(code: grpc.StatusCode, reason: ErrorReason) -> None:
    assert from_rpc_error(grpc.aio.AioRpcError(code)).reason is reason


def test_details_that_cannot_be_parsed_do_no_harm() -> None:
    trailers = grpc.aio.Metadata((DETAILS_KEY, b"\xff\xff"))
    assert from_rpc_error(grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, None, trailers)).reason is (
        ErrorReason.DEPENDENCY_UNAVAILABLE
    )


@pytest.mark.parametrize(("seconds", "pushback"), [(0.25, "250"), (30, "-1")])
def test_a_short_retry_delay_is_for_the_channel_and_a_long_one_for_the_caller(seconds: float, pushback: str) -> None:
    error = ServiceError(ErrorReason.DRAINING, retry_after=timedelta(seconds=seconds))
    assert dict(to_trailers(error, to_status(error)))[PUSHBACK_KEY] == pushback


def test_a_dependencys_refusal_of_this_service_is_not_passed_on_as_the_callers_fault() -> None:
    assert hide_inner_reason(RemoteError(ErrorReason.CALLER_UNKNOWN)).reason is ErrorReason.INTERNAL
    assert hide_inner_reason(RemoteError(ErrorReason.CALLER_NOT_ALLOWED)).reason is ErrorReason.INTERNAL
    assert hide_inner_reason(RemoteError(ErrorReason.DRAINING)).reason is ErrorReason.DEPENDENCY_UNAVAILABLE
    assert hide_inner_reason(RemoteError(ErrorReason.STORAGE_UNAVAILABLE)).reason is ErrorReason.DEPENDENCY_UNAVAILABLE
    assert hide_inner_reason(RemoteError(ErrorReason.NOT_FOUND)).reason is ErrorReason.NOT_FOUND


def test_what_this_services_own_channel_tried_already_is_not_tried_again_by_its_callers_channels() -> None:
    error = ServiceError(ErrorReason.DEPENDENCY_UNAVAILABLE)
    assert dict(to_trailers(error, to_status(error)))[PUSHBACK_KEY] == "-1"
