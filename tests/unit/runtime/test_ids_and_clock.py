"""Ids grow; clocks move when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.clock import FakeClock, SystemClock
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.ids import SequentialIds, Uuid7Ids, parse_uuid


def test_ids_are_uuidv7_and_each_greater_than_the_last() -> None:
    source = Uuid7Ids()
    made = [source.new() for _ in range(10_000)]
    assert {(made_id.version, made_id.variant) for made_id in made} == {(7, "specified in RFC 4122")}
    assert all(earlier < later for earlier, later in pairwise(made))


def test_an_id_holds_the_time_at_which_it_was_made() -> None:
    before = datetime.now(UTC)
    made = Uuid7Ids().new()
    assert before - timedelta(milliseconds=1) <= datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def test_ids_for_tests_count(ids: SequentialIds) -> None:
    first, second = ids.new(), ids.new()
    assert str(first) == "00000000-0000-7000-8000-000000000001"
    assert (second.version, second.int - first.int) == (7, 1)


def test_a_uuid_is_read_from_its_canonical_form() -> None:
    made = Uuid7Ids().new()
    assert parse_uuid(str(made), "account_id") == made
    assert parse_uuid(str(made).upper(), "account_id") == made


@given(st.one_of(st.text(), st.uuids().map(lambda value: value.hex), st.uuids().map(lambda value: f"{{{value}}}")))
def test_anything_else_is_refused_with_the_fields_name_alone(text: str) -> None:
    with pytest.raises(ServiceError) as refused:
        parse_uuid(text, "client.device.id")
    assert refused.value.reason is ErrorReason.INVALID_FIELD
    assert [violation.field for violation in refused.value.fields] == ["client.device.id"]
    assert str(refused.value) == "INVALID_FIELD: client.device.id: must be a UUID"


def test_a_fake_clock_stands_still_until_advanced(clock: FakeClock) -> None:
    assert clock.now() == clock.now() == datetime(2030, 1, 1, tzinfo=UTC)
    assert clock.advance(timedelta(hours=1)) == clock.now() == datetime(2030, 1, 1, 1, tzinfo=UTC)


def test_clocks_are_in_utc() -> None:
    start = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    assert FakeClock(start).now().utcoffset() == SystemClock().now().utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2030, 1, 1))
