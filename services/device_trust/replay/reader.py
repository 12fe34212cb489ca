"""Reads logs: each line becomes a record, or is said to be broken: its number, the field, and what is wrong, in words.

A broken line never ends the reading. What is kept between lines grows with accounts and their devices, not with lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import BinaryIO, Final, Protocol, TypeVar

import msgspec

from services.device_trust.replay.addresses import NO_DATABASES, Addresses
from services.device_trust.replay.records import ANSWERED, Event, Label, Record

MAX_LINE_BYTES: Final = 64 * 1024
"""The longest line that is read, without its ending."""
MAX_BEHIND: Final = timedelta(days=90)
"""How far a record may lie behind the newest one of its account: as old as a sighting may be at the service."""
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2100
_MAX_ASN: Final = 2**32 - 1
_QUOTED_LENGTH: Final = 60
_BOM: Final = "\ufeff"
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadLine:
    """A line that is a record. ``time_text`` is its time as it was written, to be repeated in the answer."""

    number: int
    time_text: str
    record: Record


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenLine:
    """A line that is no record. ``field`` is None where the whole line is wrong; ``number`` counts from 1."""

    number: int
    field: str | None
    problem: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"line {self.number}: {f'{self.field}: ' if self.field else ''}{self.problem}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedLine:
    """A line that is in order, but of no use to a judge."""

    number: int


Line = ReadLine | BrokenLine | SkippedLine


class LineParser(Protocol):
    """A format of logs."""

    def parse(self, number: int, text: str) -> ReadLine | SkippedLine | None:
        """Read line ``number``, without its ending; None for one that holds nothing. WrongLineError when broken."""
        ...


class WrongLineError(Exception):
    """What is wrong with a line, and in which field; no field for the whole line."""

    def __init__(self, field: str | None, problem: str) -> None:
        super().__init__(problem)
        self.field: Final = field
        self.problem: Final = problem


def read_lines(stream: BinaryIO, parser: LineParser) -> Iterator[Line]:
    """Read a stream to its end, each line as soon as it is there. OSError when the stream can't be read on."""
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 2):
        number += 1
        if not raw.endswith(b"\n"):
            _pass_over_rest(stream)
        try:
            line = parser.parse(number, _text_of(number, raw.removesuffix(b"\n").removesuffix(b"\r")))
        except WrongLineError as wrong:
            yield BrokenLine(number=number, field=wrong.field, problem=wrong.problem)
        else:
            if line is not None:
                yield line


def _pass_over_rest(stream: BinaryIO) -> None:
    """Pass over the rest of a line that is too long, in pieces: it may be longer than the memory."""
    while (piece := stream.readline(MAX_LINE_BYTES)) and not piece.endswith(b"\n"):
        pass


def _text_of(number: int, raw: bytes) -> str:
    if len(raw) > MAX_LINE_BYTES:
        raise WrongLineError(None, f"is longer than {MAX_LINE_BYTES // 1024} KiB")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise WrongLineError(None, f"is not UTF-8 at byte {error.start + 1}") from None
    return text.removeprefix(_BOM) if number == 1 else text


# --- JSON lines ---


class _DeviceFields(msgspec.Struct):
    id: str | int
    kind: str | None = None
    platform: str | None = None


class _Fields(msgspec.Struct):
    """A line as it is written. What a person may have got wrong is checked later, to be told in better words."""

    time: str
    account: str | int
    device: _DeviceFields
    ip: str
    event: str
    asn: int | str | None = None
    country: str | None = None
    profile: str | int | None = None
    label: str | None = None


class JsonLinesParser:
    """Reads the lines of `hearthgate replay`. Ids may be text or whole numbers; unknown keys are passed over."""

    def __init__(self, addresses: Addresses = NO_DATABASES) -> None:
        """``addresses`` tells the network and the country of an address where a line does not."""
        self._addresses: Final = addresses
        self._trails: Final = Trails()
        self._decode: Final = msgspec.json.Decoder(_Fields).decode

    def parse(self, number: int, text: str) -> ReadLine | None:
        """As LineParser has it; a line of spaces holds nothing."""
        if not text or text.isspace():
            return None
        try:
            fields = self._decode(text)
        except (ValueError, RecursionError) as error:
            raise _in_plain_words(error) from None
        record = self._record(fields)
        self._trails.follow(record)
        return ReadLine(number=number, time_text=fields.time, record=record)

    def _record(self, fields: _Fields) -> Record:
        device, ip = fields.device, ip_of(fields.ip)
        platform = platform_of(device.platform)
        return Record(
            time=time_of(fields.time),
            account=id_of("account", fields.account),
            device_id=id_of("device.id", device.id),
            device_kind=kind_of("device.kind", device.kind, platform),
            device_platform=platform,
            ip=ip,
            event=_one_of("event", _EVENTS, fields.event),
            asn=asn_of("asn", fields.asn) or self._addresses.asn(ip),
            country=country_of("country", fields.country) or self._addresses.country(ip),
            profile=None if fields.profile is None else str(fields.profile),
            label=None if fields.label is None else _one_of("label", _LABELS, fields.label),
        )


class Trails:
    """What was seen of each account so far: its newest time, and its devices."""

    def __init__(self) -> None:
        self._trails: Final[dict[str, _Trail]] = {}

    def follow(self, record: Record) -> None:
        """Take a record in. WrongLineError when it can't follow what its account did before."""
        trail = self._trails.get(record.account)
        if trail is None:
            trail = self._trails[record.account] = _Trail(record.time)
        elif record.time > trail.newest:
            trail.newest = record.time
        elif trail.newest - record.time > MAX_BEHIND:
            newest = trail.newest.isoformat().replace("+00:00", "Z")
            behind = f"more than {MAX_BEHIND.days} days behind the newest record of this account ({newest})"
            raise WrongLineError("time", f"impossible time: it lies {behind}")
        if record.event in ANSWERED:
            trail.devices.add(record.device_id)
        elif record.event in _OF_KNOWN_DEVICES and record.device_id not in trail.devices:
            who = f"device {quoted(record.device_id)} of account {quoted(record.account)}"
            raise WrongLineError("device.id", f"{who} was never seen before its {record.event}")


class _Trail:
    __slots__ = ("devices", "newest")

    def __init__(self, newest: datetime) -> None:
        self.newest = newest
        self.devices: set[str] = set()


# A stream may have been running when the log began; a code is only ever asked of a device that was answered.
_OF_KNOWN_DEVICES: Final = frozenset({Event.CODE_PASSED, Event.CODE_FAILED, Event.DEFERRED})


# --- One field ---


_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:([0-9]{2})(?:\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def time_of(text: str) -> datetime:
    """A time of RFC 3339, in UTC. WrongLineError when it is none, has no offset, or lies outside 1970 to 2100."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise WrongLineError("time", f"{quoted(text)} is no time as RFC 3339 writes it, such as 2030-01-31T18:00:00Z")
    if match[2] is None:
        raise WrongLineError("time", f"{quoted(text)} has no offset from UTC; end it with Z, or with one like +02:00")
    # datetime knows no leap second: it is taken as the second before it.
    known = text if match[1] != "60" else f"{text[: match.start(1)]}59{text[match.end(1) :]}"
    return utc_of("time", known.upper(), text)


def utc_of(field: str, iso: str, written: str) -> datetime:
    """The time that ``iso`` writes with an offset, in UTC. WrongLineError, quoting ``written``, when impossible."""
    try:
        time = datetime.fromisoformat(iso).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise WrongLineError(field, f"impossible time: {quoted(written)} ({error})") from None
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        years = f"outside the years {_FIRST_YEAR} to {_LAST_YEAR}"
        raise WrongLineError(field, f"impossible time: {quoted(written)} lies {years}")
    return time


def id_of(field: str, value: str | int) -> str:
    """An id as text. WrongLineError when it is empty."""
    if value == "":
        raise WrongLineError(field, "is empty")
    return value if isinstance(value, str) else str(value)


def ip_of(text: str, field: str = "ip") -> str:
    """The text of an IPv4 or IPv6 address, as given. WrongLineError when it is none."""
    try:
        ip_address(text)
    except ValueError:
        raise WrongLineError(field, f"{quoted(text)} is no IPv4 or IPv6 address") from None
    return text


def asn_of(field: str, value: int | str | None) -> int | None:
    """The number of a network, from 64500, "64500" or "AS64500"; None where it is missing, or 0: not known."""
    if isinstance(value, str):
        digits = value.strip().upper().removeprefix("AS")
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else -1
    else:
        number = value or 0
    if not 0 <= number <= _MAX_ASN:
        problem = f"{quoted(value)} is no number of a network (AS), such as 64500 or AS64500"
        raise WrongLineError(field, problem)
    return number or None


def country_of(field: str, text: str | None) -> str | None:
    """A country of ISO 3166-1 in two capital letters. WrongLineError when it isn't two letters."""
    if text is None:
        return None
    if len(text) != 2 or not text.isascii() or not text.isalpha():
        raise WrongLineError(field, f"{quoted(text)} is no country of two letters, such as NL")
    return text.upper()


def _one_of(field: str, names: Mapping[str, _T], text: str) -> _T:
    value = names.get(text)
    if value is None:
        raise WrongLineError(field, f"{quoted(text)} is none of {', '.join(names)}")
    return value


def quoted(value: object) -> str:
    """A value from a log, harmless to a terminal and not too long."""
    text = repr(value)
    return text if len(text) <= _QUOTED_LENGTH else f"{text[:_QUOTED_LENGTH]}…"


# --- Devices ---


def kind_of(field: str, text: str | None, platform: str) -> str:
    """The contract's kind, from its name in any writing or a common other name.

    A missing one, also ``unknown``, is guessed from the platform (of the contract): what most of its devices are, or
    COMPUTER. WrongLineError for any other word.
    """
    if text in _KINDS:
        return _KINDS[text]
    name = _compact(text or "").removeprefix("DEVICEKIND")
    if name in _MISSING:
        return _USUAL_KINDS.get(platform, "COMPUTER")
    if name not in _KINDS:
        raise WrongLineError(field, f"{quoted(text)} is none of {', '.join(_KIND_NAMES)}")
    return _KINDS[name]


def platform_of(text: str | None) -> str:
    """The contract's platform, from its name in any writing or a common other name; OTHER if missing or not known."""
    if text is None:
        return "OTHER"
    return _PLATFORMS.get(text) or _PLATFORMS.get(_compact(text).removeprefix("PLATFORM"), "OTHER")


def _compact(text: str) -> str:
    """``Set-top box`` and ``SET_TOP_BOX`` are one name."""
    return "".join(filter(str.isalnum, text)).upper()


def _by_name(names: Mapping[str, str]) -> dict[str, str]:
    """Every other name, and the contract's own with and without underscores, to the contract's."""
    known = {name: name for name in names} | {_compact(name): name for name in names}
    return known | {other: name for name, others in names.items() for other in others.split()}


# The contract's names without their prefixes, each with other names that logs have for it.
_KIND_NAMES: Final = {
    "TV": "SMARTTV CONNECTEDTV CTV TELEVISION",
    "PHONE": "MOBILE MOBILEPHONE SMARTPHONE",
    "TABLET": "IPAD",
    "COMPUTER": "DESKTOP LAPTOP NOTEBOOK PC BROWSER WEB",
    "CONSOLE": "GAMECONSOLE GAMINGCONSOLE",
    "SET_TOP_BOX": "STB SETTOP STREAMINGBOX STREAMINGSTICK",
}
_PLATFORM_NAMES: Final = {
    "ANDROID": "",
    "IOS": "IPADOS IPHONEOS",
    "WEB": "BROWSER HTML5",
    "ANDROID_TV": "GOOGLETV",
    "TVOS": "APPLETV",
    "TIZEN": "TIZENTV",
    "WEBOS": "WEBOSTV",
    "ROKU": "ROKUOS",
    "FIRE_OS": "FIRETV AMAZONFIRETV",
    "WINDOWS": "",
    "MACOS": "MAC MACOSX OSX",
    "OTHER": "",
}
_USUAL_KINDS: Final = {
    "ANDROID": "PHONE",
    "IOS": "PHONE",
    "ANDROID_TV": "TV",
    "TVOS": "SET_TOP_BOX",
    "TIZEN": "TV",
    "WEBOS": "TV",
    "ROKU": "TV",
    "FIRE_OS": "TV",
}
_MISSING: Final = frozenset({"", "UNKNOWN", "UNSPECIFIED"})
_KINDS: Final = _by_name(_KIND_NAMES)
_PLATFORMS: Final = _by_name(_PLATFORM_NAMES)
_EVENTS: Final = {event.value: event for event in Event}
_LABELS: Final = {label.value: label for label in Label}


# --- What msgspec says, in plain words ---

_MISSING_FIELD: Final = re.compile(r"Object missing required field `([^`]+)`")
_WRONG_TYPE: Final = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_PATH: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_TYPES: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
}


def _in_plain_words(error: ValueError | RecursionError) -> WrongLineError:
    if isinstance(error, RecursionError):
        return WrongLineError(None, "is nested too deeply")
    message = str(error)
    if isinstance(error, msgspec.ValidationError):
        at = _PATH.search(message)
        return _wrong_value(message.removesuffix(at[0]) if at else message, at[1] if at else "")
    if message == "Input data was truncated":
        return WrongLineError(None, "is no JSON: it ends too early")
    return WrongLineError(None, f"is no JSON: {message.removeprefix('JSON is malformed: ')}")


def _wrong_value(message: str, path: str) -> WrongLineError:
    if missing := _MISSING_FIELD.match(message):
        return WrongLineError(f"{path}.{missing[1]}".lstrip("."), "is missing")
    if wrong := _WRONG_TYPE.match(message):
        wanted = " or ".join(_TYPES.get(name, name) for name in wrong[1].split(" | "))
        return WrongLineError(path or None, f"must be {wanted}, and is {_TYPES.get(wrong[2], wrong[2])}")
    return WrongLineError(path or None, message[:1].lower() + message[1:])
