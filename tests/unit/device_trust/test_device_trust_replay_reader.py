"""Lines of a log: every one becomes a record, or is said to be broken, with its number and what is wrong."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.device_trust.replay.addresses import AddressDatabaseError, Addresses, Database, open_addresses
from services.device_trust.replay.reader import (
    MAX_LINE_BYTES,
    BrokenLine,
    JsonLinesParser,
    Line,
    ReadLine,
    SkippedLine,
    read_lines,
)
from services.device_trust.replay.records import Event, Label, Record

LINE: Final[dict[str, Any]] = {
    "time": "2030-01-31T18:00:00Z",
    "account": "a1",
    "device": {"id": "d1", "kind": "TV", "platform": "TIZEN"},
    "ip": "203.0.113.7",
    "asn": 64500,
    "country": "NL",
    "profile": "p1",
    "event": "start",
    "label": "household",
}
KINDS: Final = ["TV", "PHONE", "TABLET", "COMPUTER", "CONSOLE", "SET_TOP_BOX"]
PLATFORMS: Final = [
    *("ANDROID", "IOS", "WEB", "ANDROID_TV", "TVOS", "TIZEN", "WEBOS", "ROKU", "FIRE_OS", "WINDOWS", "MACOS"),
    "OTHER",
]
NAMES: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


class FakeDatabase:
    """A file that knows one value for every IPv4 address."""

    def __init__(self, value: object) -> None:
        self.value = value

    def get(self, ip_address: str) -> object:
        if ":" in ip_address:
            raise ValueError("an IPv6 address in a database of IPv4 addresses")
        return self.value


class DamagedDatabase:
    """A file that is found to be damaged at the first look-up."""

    def get(self, ip_address: str) -> object:
        raise RuntimeError("extra bytes")


def read(data: bytes, addresses: Addresses | None = None) -> list[Line]:
    """All lines of a file."""
    return list(read_lines(io.BytesIO(data), JsonLinesParser(addresses or Addresses())))


def encoded(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def record_of(addresses: Addresses | None = None, **changes: Any) -> Record:
    """The record of a line with some changes."""
    (line,) = read(encoded(LINE | changes), addresses)
    assert isinstance(line, ReadLine), line
    return line.record


def problem_of(**changes: Any) -> str:
    """What is said of a line with some changes; ... removes a field."""
    (line,) = read(encoded({name: value for name, value in (LINE | changes).items() if value is not ...}))
    assert isinstance(line, BrokenLine), line
    return str(line)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any record that a log may hold, of a device that was seen before."""
    offset = timezone(timedelta(minutes=draw(st.integers(-1439, 1439))))
    return Record(
        time=draw(st.datetimes(datetime(1970, 1, 2), datetime(2100, 12, 30), timezones=st.just(offset))),
        account=draw(NAMES),
        device_id=draw(NAMES),
        device_kind=draw(st.sampled_from(KINDS)),
        device_platform=draw(st.sampled_from(PLATFORMS)),
        ip=str(draw(st.ip_addresses())),
        event=draw(st.sampled_from(["sign_in", "start", "heartbeat", "stop"]).map(Event)),
        asn=draw(st.none() | st.integers(1, 2**32 - 1)),
        country=draw(st.none() | st.sampled_from(["NL", "DE", "US"])),
        profile=draw(st.none() | NAMES),
        label=draw(st.none() | st.sampled_from(Label)),
    )


def written(record: Record) -> dict[str, Any]:
    """The record as a line."""
    device = {"id": record.device_id, "kind": record.device_kind, "platform": record.device_platform}
    return {
        "time": record.time.isoformat(),
        "account": record.account,
        "device": device,
        "ip": record.ip,
        "asn": record.asn,
        "country": record.country,
        "profile": record.profile,
        "event": record.event,
        "label": record.label,
        "a key of a later version": [1, {"device": 2}],
    }


@given(records())
def test_a_record_that_is_written_is_read_as_it_was(record: Record) -> None:
    (line,) = read(encoded(written(record)))
    assert line == ReadLine(number=1, time_text=record.time.isoformat(), record=record)
    assert isinstance(line, ReadLine)
    assert line.record.time.tzinfo is UTC


@given(st.lists(st.binary() | st.sampled_from([json.dumps(LINE).encode(), b"", b"  "]), max_size=5))
@example([b"\xef\xbb\xbf" + json.dumps(LINE).encode()])
@example([b'{"x":' + b"[" * 60_000, b'{"time":"\\ud800"}', b'{"account":' + b"9" * 5000 + b"}", b"\xff", b"null"])
def test_any_bytes_are_a_record_or_an_error_with_a_line_number(parts: list[bytes]) -> None:
    data = b"\n".join(parts)
    filled = {number for number, part in enumerate(data.split(b"\n"), 1) if part.strip(b" \r\t\x0b\x0c")}
    seen = [line.number for line in read(data)]
    assert seen == sorted(set(seen))
    assert set(seen) <= filled
    assert all(str(line).startswith(f"line {line.number}: ") for line in read(data) if isinstance(line, BrokenLine))


JSON_VALUES: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.just({})
)


@given(st.sampled_from(sorted(LINE)) | st.sampled_from(["id", "kind", "platform"]), JSON_VALUES)
def test_any_value_of_any_field_is_read_or_named(field: str, value: object) -> None:
    changes = {field: value} if field in LINE else {"device": LINE["device"] | {field: value}}
    (line,) = read(encoded(LINE | changes))
    if isinstance(line, BrokenLine) and line.field is not None:
        assert field in line.field.split(".")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"device": {"id": "d", "kind": "FRIDGE"}}, f"device.kind: 'FRIDGE' is none of {', '.join(KINDS)}"),
        ({"device": {"kind": "TV"}}, "device.id: is missing"),
        ({"device": {"id": ""}}, "device.id: is empty"),
        ({"device": "d1"}, "device: must be an object, and is text"),
        ({"account": ...}, "account: is missing"),
        ({"account": 1.5}, "account: must be a whole number or text, and is a number with a fraction"),
        ({"event": "play"}, f"event: 'play' is none of {', '.join(Event)}"),
        ({"label": "friend"}, "label: 'friend' is none of household, outsider, thief"),
        ({"ip": "203.0.113.700"}, "ip: '203.0.113.700' is no IPv4 or IPv6 address"),
        ({"ip": "\x1b[2J"}, r"ip: '\x1b[2J' is no IPv4 or IPv6 address"),
        ({"asn": "AS-1"}, "asn: 'AS-1' is no number of a network (AS), such as 64500 or AS64500"),
        ({"asn": -5}, "asn: -5 is no number of a network (AS), such as 64500 or AS64500"),
        ({"asn": 2**32}, "asn: 4294967296 is no number of a network (AS), such as 64500 or AS64500"),
        ({"country": "Netherlands"}, "country: 'Netherlands' is no country of two letters, such as NL"),
        ({"country": "N1"}, "country: 'N1' is no country of two letters, such as NL"),
        ({"time": 5}, "time: must be text, and is a whole number"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(changes: dict[str, Any], problem: str) -> None:
    assert problem_of(**changes) == f"line 1: {problem}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2030-01-31", "is no time as RFC 3339 writes it"),
        ("2030-01-31T18:00Z", "is no time as RFC 3339 writes it"),
        ("2030-W05-4T18:00:00Z", "is no time as RFC 3339 writes it"),
        ("2030-01-31T18:00:00", "has no offset from UTC"),
        ("2030-02-30T18:00:00Z", "impossible time"),
        ("2030-01-31T25:00:00Z", "impossible time"),
        ("2030-01-31T18:00:00+24:00", "impossible time"),
        ("1969-12-31T23:59:59Z", "impossible time"),
        ("2101-01-01T00:00:00Z", "impossible time"),
        ("0001-01-01T00:00:00+14:00", "impossible time"),
        ("0000-01-01T00:00:00Z", "impossible time"),
    ],
)
def test_a_time_that_is_none_is_refused(text: str, words: str) -> None:
    problem = problem_of(time=text)
    assert problem.startswith("line 1: time: ")
    assert words in problem


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-31T18:00:00Z",
        "2030-01-31t18:00:00z",
        "2030-01-31 18:00:00.000000000+00:00",
        "2030-01-31T20:00:00+02:00",
        "2030-01-31T13:30:00-04:30",
    ],
)
def test_every_way_to_write_a_time_is_read_as_the_same_time(text: str) -> None:
    assert record_of(time=text).time == datetime(2030, 1, 31, 18, tzinfo=UTC)


def test_a_leap_second_is_the_second_before_it() -> None:
    assert record_of(time="2016-12-31T23:59:60.5Z").time == datetime(2016, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "platform", "expected"),
    [
        ("tv", "android tv", ("TV", "ANDROID_TV")),
        ("Smart_TV", "webOS", ("TV", "WEBOS")),
        ("set-top box", "tvOS", ("SET_TOP_BOX", "TVOS")),
        ("stb", "Fire TV", ("SET_TOP_BOX", "FIRE_OS")),
        ("laptop", "mac os x", ("COMPUTER", "MACOS")),
        ("browser", "web", ("COMPUTER", "WEB")),
        ("DEVICE_KIND_PHONE", "PLATFORM_IOS", ("PHONE", "IOS")),
        (None, "Roku", ("TV", "ROKU")),
        ("unknown", "ios", ("PHONE", "IOS")),
        ("", "Amiga", ("COMPUTER", "OTHER")),
        (None, None, ("COMPUTER", "OTHER")),
    ],
)
def test_kinds_and_platforms_are_known_by_other_names(
    kind: str | None, platform: str | None, expected: tuple[str, str]
) -> None:
    record = record_of(device={"id": "d1", "kind": kind, "platform": platform})
    assert (record.device_kind, record.device_platform) == expected


@pytest.mark.parametrize(("asn", "expected"), [("AS64500", 64500), ("as1", 1), ("64500", 64500), (0, None)])
def test_the_number_of_a_network_may_be_text(asn: int | str, expected: int | None) -> None:
    assert record_of(asn=asn).asn == expected


def test_ids_may_be_whole_numbers_and_countries_in_small_letters() -> None:
    record = record_of(account=7, device={"id": 8}, country="nl", profile=9)
    assert (record.account, record.device_id, record.country, record.profile) == ("7", "8", "NL", "9")


def test_a_byte_order_mark_crlf_and_empty_lines_are_no_trouble() -> None:
    line = json.dumps(LINE).encode()
    data = b"\xef\xbb\xbf" + line + b"\r\n\r\n   \n" + line + b"\r\n" + line
    assert [(type(line), line.number) for line in read(data)] == [(ReadLine, 1), (ReadLine, 4), (ReadLine, 5)]


@pytest.mark.parametrize("more", [1, 2, 3, 70_000, 200_000])
def test_a_line_that_is_too_long_is_refused_and_the_next_one_read(more: int) -> None:
    data = b"x" * (MAX_LINE_BYTES + more) + b"\r\n" + encoded(LINE)
    long, fine = read(data)
    assert str(long) == "line 1: is longer than 64 KiB"
    assert (type(fine), fine.number) == (ReadLine, 2)


def test_a_line_of_just_the_longest_length_is_read() -> None:
    text = json.dumps(LINE).encode()
    data = text + b" " * (MAX_LINE_BYTES - len(text)) + b"\r\n" + encoded(LINE)
    assert [type(line) for line in read(data)] == [ReadLine, ReadLine]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"time": "2030', "is no JSON: it ends too early"),
        (b"x", "is no JSON: invalid character (byte 0)"),
        (b"[]", "must be an object, and is a list"),
        (b'{"x":' + b"[" * 60_000, "is nested too deeply"),
        (b'{"x": "\xff"}', "is not UTF-8 at byte 8"),
    ],
)
def test_a_line_that_is_no_object_is_refused_as_a_whole(data: bytes, problem: str) -> None:
    assert [str(line) for line in read(data)] == [f"line 1: {problem}"]


def test_a_record_may_be_late_by_90_days_but_no_more_on_the_same_account() -> None:
    late, too_late = "2029-11-02T18:00:00Z", "2029-11-02T17:59:59Z"
    other = LINE | {"time": too_late, "account": "a2"}
    first, second, third, fourth = read(encoded(LINE, LINE | {"time": late}, LINE | {"time": too_late}, other))
    assert [type(first), type(second), type(fourth)] == [ReadLine] * 3
    assert str(third) == (
        "line 3: time: impossible time: it lies more than 90 days behind the newest record of this account "
        "(2030-01-31T18:00:00Z)"
    )


@pytest.mark.parametrize("event", ["code_passed", "code_failed", "deferred"])
def test_a_code_of_a_device_that_was_never_seen_is_refused(event: str) -> None:
    problem = f"line 1: device.id: device 'd1' of account 'a1' was never seen before its {event}"
    assert problem_of(event=event) == problem
    assert [type(line) for line in read(encoded(LINE, LINE | {"event": event}))] == [ReadLine, ReadLine]
    heartbeat, other = LINE | {"event": "heartbeat"}, LINE | {"account": "a2"}
    assert type(read(encoded(heartbeat, other, LINE | {"event": event}))[2]) is BrokenLine


@pytest.mark.parametrize("event", ["heartbeat", "stop"])
def test_a_stream_may_have_been_running_when_the_log_began(event: str) -> None:
    assert record_of(event=event).event == event


def test_a_missing_network_and_country_are_looked_up() -> None:
    addresses = Addresses(
        asn=FakeDatabase({"autonomous_system_number": 64999}), country=FakeDatabase({"country": {"iso_code": "DE"}})
    )
    found = record_of(addresses, asn=None, country=None)
    assert (found.asn, found.country) == (64999, "DE")
    given_ = record_of(addresses)
    assert (given_.asn, given_.country) == (64500, "NL")
    unknown = record_of(addresses, asn=None, country=None, ip="fe80::1%eth0")
    assert (unknown.asn, unknown.country) == (None, None)


@pytest.mark.parametrize("value", [None, {}, "x", {"country": None}, {"country": {"iso_code": 5}}])
def test_what_a_database_does_not_know_stays_unknown(value: object) -> None:
    database: Database = FakeDatabase(value)
    addresses = Addresses(asn=database, country=database)
    assert (addresses.asn("203.0.113.7"), addresses.country("203.0.113.7")) == (None, None)


def test_a_damaged_database_ends_the_look_ups() -> None:
    with pytest.raises(AddressDatabaseError, match="damaged"):
        Addresses(asn=DamagedDatabase()).asn("203.0.113.7")


def mmdb_value(value: dict[str, Any] | str | int | bytes) -> bytes:
    """A value as MaxMind's format writes it: a byte of type and size, then the content. Bytes are written already."""
    if isinstance(value, dict):
        members = b"".join(mmdb_value(name) + mmdb_value(member) for name, member in value.items())
        return bytes([7 << 5 | len(value)]) + members
    if isinstance(value, str):
        return bytes([2 << 5 | len(value)]) + value.encode()
    return value if isinstance(value, bytes) else bytes([6 << 5 | 4]) + value.to_bytes(4, "big")


def mmdb(value: dict[str, Any]) -> bytes:
    """A database that knows one value for every IPv4 address: a tree of one node, whose two sides lead to it."""
    separator = bytes(16)
    node = (1 + len(separator)).to_bytes(3, "big") * 2
    two, none, four, twenty_four = (bytes([5 << 5 | 1, number]) for number in (2, 0, 4, 24))
    metadata: dict[str, Any] = {
        "binary_format_major_version": two,
        "binary_format_minor_version": none,
        "build_epoch": bytes([0 << 5 | 1, 9 - 7, 1]),
        "database_type": "test",
        "description": {},
        "ip_version": four,
        "languages": bytes([0 << 5 | 0, 11 - 7]),
        "node_count": 1,
        "record_size": twenty_four,
    }
    return node + separator + mmdb_value(value) + b"\xab\xcd\xefMaxMind.com" + mmdb_value(metadata)


def test_databases_of_the_public_field_names_are_read(tmp_path: Path) -> None:
    pytest.importorskip("maxminddb")
    asn_db, country_db = tmp_path / "asn.mmdb", tmp_path / "country.mmdb"
    asn_db.write_bytes(mmdb({"autonomous_system_number": 64999}))
    country_db.write_bytes(mmdb({"country": {"iso_code": "DE"}}))
    with open_addresses(asn_db=asn_db, country_db=country_db) as addresses:
        found = record_of(addresses, asn=None, country=None)
        unknown = record_of(addresses, asn=None, country=None, ip="2001:db8::1")
    assert (found.asn, found.country) == (64999, "DE")
    assert (unknown.asn, unknown.country) == (None, None)


def test_a_file_that_is_no_database_is_refused_by_its_path(tmp_path: Path) -> None:
    pytest.importorskip("maxminddb")
    wrong = tmp_path / "wrong.mmdb"
    wrong.write_bytes(b"no database")
    for path in (wrong, tmp_path / "missing.mmdb"):
        with pytest.raises(AddressDatabaseError, match=path.name), open_addresses(asn_db=path, country_db=None):
            pass


def test_lines_are_given_as_soon_as_they_are_there() -> None:
    asked: list[int] = []

    class Slow(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            asked.append(1)
            return super().readline(size)

    lines: Iterator[Line] = read_lines(Slow(encoded(LINE, LINE)), JsonLinesParser())
    assert not isinstance(next(lines), SkippedLine)
    assert len(asked) == 1
