"""Reads rba-dataset.csv, the public log of 33 million sign-ins by Wiefling et al., by its column names.

What it does not say is made up as follows, and figures from it are to be read with that in mind:

- Only successful sign-ins become records; failed ones are skipped. There are no streams in it.
- There are no cookies in it: a device is the user's browser, by its user-agent string. An update makes a new device.
- ``Is Account Takeover`` means a thief. Everyone else counts as the household; outsiders with a lent password are not
  told apart in it.
- Times have no offset: they are UTC.
"""

from __future__ import annotations

import csv
from hashlib import blake2b
from typing import Final

from services.device_trust.replay.addresses import NO_DATABASES, Addresses
from services.device_trust.replay.reader import (
    ReadLine,
    SkippedLine,
    Trails,
    WrongLineError,
    asn_of,
    country_of,
    id_of,
    ip_of,
    kind_of,
    platform_of,
    quoted,
    utc_of,
)
from services.device_trust.replay.records import Event, Label, Record

_TIME: Final = "Login Timestamp"
_USER: Final = "User ID"
_IP: Final = "IP Address"
_COUNTRY: Final = "Country"
_ASN: Final = "ASN"
_AGENT: Final = "User Agent String"
_SYSTEM: Final = "OS Name and Version"
_DEVICE: Final = "Device Type"
_SUCCESSFUL: Final = "Login Successful"
_TAKEOVER: Final = "Is Account Takeover"
_COLUMNS: Final = (_TIME, _USER, _IP, _COUNTRY, _ASN, _AGENT, _SYSTEM, _DEVICE, _SUCCESSFUL, _TAKEOVER)
_BOOLEANS: Final = {"True": True, "False": False}
_DEVICE_ID_BYTES: Final = 8


class NoRbaDatasetError(Exception):
    """The first line lacks columns; the message names them."""


class RbaParser:
    """Reads lines of the data set; the first is the header."""

    def __init__(self, addresses: Addresses = NO_DATABASES) -> None:
        """``addresses`` tells the network and the country of an address where a line does not."""
        self._addresses: Final = addresses
        self._trails: Final = Trails()
        self._header: list[str] = []

    def parse(self, number: int, text: str) -> ReadLine | SkippedLine | None:
        """As LineParser has it; the header holds nothing. NoRbaDatasetError when it lacks columns."""
        if not text or text.isspace():
            return None
        cells = _cells_of(text)
        if not self._header:
            self._header = _checked(cells)
            return None
        if len(cells) != len(self._header):
            raise WrongLineError(None, f"has {len(cells)} values, and the header {len(self._header)}")
        row = dict(zip(self._header, cells, strict=True))
        if not _boolean_of(row, _SUCCESSFUL):
            return SkippedLine(number=number)
        record = self._record(row)
        self._trails.follow(record)
        return ReadLine(number=number, time_text=_rfc3339(row[_TIME]), record=record)

    def _record(self, row: dict[str, str]) -> Record:
        account, ip, platform = id_of(_USER, row[_USER]), ip_of(row[_IP], _IP), _platform_of(row[_SYSTEM])
        return Record(
            time=utc_of(_TIME, _rfc3339(row[_TIME]), row[_TIME]),
            account=account,
            device_id=_device_id(account, row[_AGENT]),
            device_kind=_kind_of(row[_DEVICE], platform),
            device_platform=platform,
            ip=ip,
            event=Event.SIGN_IN,
            asn=asn_of(_ASN, row[_ASN] or None) or self._addresses.asn(ip),
            country=country_of(_COUNTRY, row[_COUNTRY] or None) or self._addresses.country(ip),
            label=Label.THIEF if _boolean_of(row, _TAKEOVER) else Label.HOUSEHOLD,
        )


def _cells_of(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise WrongLineError(None, f"is no CSV: {error}") from None


def _checked(header: list[str]) -> list[str]:
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        names = ", ".join(quoted(name) for name in missing)
        raise NoRbaDatasetError(f"it is no rba-dataset.csv: its first line lacks the columns {names}")
    return header


def _boolean_of(row: dict[str, str], name: str) -> bool:
    value = _BOOLEANS.get(row[name])
    if value is None:
        raise WrongLineError(name, f"{quoted(row[name])} is neither True nor False")
    return value


def _rfc3339(text: str) -> str:
    return f"{text.replace(' ', 'T', 1)}Z"


def _device_id(account: str, agent: str) -> str:
    """The same for the same browser of a user, in every run."""
    return blake2b(f"{account}\0{agent}".encode(), digest_size=_DEVICE_ID_BYTES).hexdigest()


def _kind_of(device: str, platform: str) -> str:
    # A script runs on a computer, whatever it says that it is.
    return "COMPUTER" if device == "bot" else kind_of(_DEVICE, device, platform)


def _platform_of(system: str) -> str:
    """``Mac OS X 10.14.6`` without its version; every Windows but the one of phones is one platform."""
    words = system.split()
    versions = (index for index, word in enumerate(words) if word[0].isdigit())
    name = " ".join(words[: next(versions, len(words))])
    return "WINDOWS" if name.startswith("Windows") and name != "Windows Phone" else platform_of(name)
