"""rba-dataset.csv: the public log of sign-ins, read by its column names."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.device_trust.replay.rba_dataset import NoRbaDatasetError, RbaParser
from services.device_trust.replay.reader import BrokenLine, Line, ReadLine, SkippedLine, read_lines
from services.device_trust.replay.records import Event, Label, Record

AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 13_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ROW = {
    "index": "0",
    "Login Timestamp": "2020-02-03 12:43:30.772",
    "User ID": "-4324475583306591935",
    "Round-Trip Time [ms]": "",
    "IP Address": "10.0.65.171",
    "Country": "NO",
    "Region": "-",
    "City": "-",
    "ASN": "29695",
    "User Agent String": AGENT,
    "Browser Name and Version": "Firefox 20.0.0.1618",
    "OS Name and Version": "iOS 13.4",
    "Device Type": "mobile",
    "Login Successful": "True",
    "Is Attack IP": "False",
    "Is Account Takeover": "False",
}


def read(*rows: dict[str, str]) -> list[Line]:
    """The lines of a file with these rows under the data set's header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ROW), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return list(read_lines(io.BytesIO(text.getvalue().encode()), RbaParser()))


def record_of(**changes: str) -> Record:
    """The record of a row with some changes, by column name."""
    (line,) = read(ROW | changes)
    assert isinstance(line, ReadLine), line
    return line.record


def test_a_successful_sign_in_is_a_record_in_utc() -> None:
    (line,) = read(ROW)
    assert isinstance(line, ReadLine)
    assert line == ReadLine(
        number=2,
        time_text="2020-02-03T12:43:30.772Z",
        record=Record(
            time=datetime(2020, 2, 3, 12, 43, 30, 772_000, tzinfo=UTC),
            account="-4324475583306591935",
            device_id=line.record.device_id,
            device_kind="PHONE",
            device_platform="IOS",
            ip="10.0.65.171",
            event=Event.SIGN_IN,
            asn=29695,
            country="NO",
            label=Label.HOUSEHOLD,
        ),
    )


def test_a_failed_sign_in_is_skipped_and_not_broken() -> None:
    assert read(ROW | {"Login Successful": "False"}) == [SkippedLine(number=2)]


def test_an_account_takeover_is_a_thief() -> None:
    assert record_of(**{"Is Account Takeover": "True"}).label is Label.THIEF


def test_a_device_is_a_users_browser_and_the_same_in_every_run() -> None:
    device = record_of().device_id
    assert device == record_of().device_id == record_of(**{"Device Type": "tablet"}).device_id == "f74835badaf1b037"
    assert device != record_of(**{"User ID": "5"}).device_id
    assert device != record_of(**{"User Agent String": f"{AGENT} Mobile/15E148"}).device_id


@pytest.mark.parametrize(
    ("device", "system", "expected"),
    [
        ("mobile", "Android 2.3.3.2672", ("PHONE", "ANDROID")),
        ("tablet", "iOS 13.4", ("TABLET", "IOS")),
        ("desktop", "Mac OS X 10.14.6", ("COMPUTER", "MACOS")),
        ("desktop", "Windows 10", ("COMPUTER", "WINDOWS")),
        ("desktop", "Windows Vista", ("COMPUTER", "WINDOWS")),
        ("mobile", "Windows Phone 8.1", ("PHONE", "OTHER")),
        ("bot", "Android 8.0", ("COMPUTER", "ANDROID")),
        ("unknown", "Tizen 4.0", ("TV", "TIZEN")),
        ("", "Linux", ("COMPUTER", "OTHER")),
        ("unknown", "", ("COMPUTER", "OTHER")),
    ],
)
def test_kind_and_platform_come_from_the_device_type_and_the_system(
    device: str, system: str, expected: tuple[str, str]
) -> None:
    record = record_of(**{"Device Type": device, "OS Name and Version": system})
    assert (record.device_kind, record.device_platform) == expected


def test_country_and_network_may_be_empty() -> None:
    record = record_of(Country="", ASN="")
    assert (record.country, record.asn) == (None, None)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"IP Address": "none"}, "IP Address: 'none' is no IPv4 or IPv6 address"),
        ({"User ID": ""}, "User ID: is empty"),
        ({"Login Successful": "yes"}, "Login Successful: 'yes' is neither True nor False"),
        ({"Device Type": "toaster"}, "Device Type: 'toaster' is none of TV, PHONE, TABLET"),
        ({"Login Timestamp": "2020-02-30 12:43:30.772"}, "Login Timestamp: impossible time: '2020-02-30 12:43:30.772'"),
        ({"Login Timestamp": "soon"}, "Login Timestamp: impossible time: 'soon'"),
        ({"Country": "Norway"}, "Country: 'Norway' is no country of two letters"),
    ],
)
def test_a_broken_row_is_named_by_its_line_and_column(changes: dict[str, str], problem: str) -> None:
    broken, fine = read(ROW | changes, ROW)
    assert str(broken).startswith(f"line 2: {problem}")
    assert isinstance(fine, ReadLine)


def test_a_file_without_the_columns_is_no_such_data_set() -> None:
    with pytest.raises(NoRbaDatasetError, match="'Login Timestamp', 'User ID'"):
        list(read_lines(io.BytesIO(b"a,b\n1,2\n"), RbaParser()))


@given(st.binary())
def test_any_bytes_below_the_header_are_a_record_or_an_error_with_a_line_number(data: bytes) -> None:
    lines = list(read_lines(io.BytesIO(",".join(ROW).encode() + b"\n" + data), RbaParser()))
    assert all(line.number >= 2 and isinstance(line, BrokenLine) for line in lines)
