"""Where a message may go, and how much of it may be shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

import phonenumbers

from libs.runtime.errors import invalid_field
from services.challenge.domain.challenge import Channel

MAX_EMAIL: Final = 254
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_UNQUOTED: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]+")
_HIDDEN: Final = "•••"
_RANGE_DIGITS: Final = 4
"""Carriers give out ranges of ten thousand numbers, and those who pump texts rent them so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """A valid destination; its repr shows the channel alone."""

    channel: Channel
    address: str = field(repr=False)

    @property
    def canonical(self) -> str:
        """The form under which sends are counted: letter case does not make another mailbox."""
        return self.address.casefold()

    @property
    def masked(self) -> str:
        """What a viewer may see: ``a•••@e•••.com``, ``•••34``."""
        if self.channel is Channel.TEXT:
            return _HIDDEN + self.address[-2:]
        local, _, domain = self.address.rpartition("@")
        name, _, top_level = domain.rpartition(".")
        return f"{local[0]}{_HIDDEN}@{(name or top_level)[0]}{_HIDDEN}" + (f".{top_level}" if name else "")

    @property
    def phone_ranges(self) -> tuple[str, str] | None:
        """A number's range of ten thousand, and its country calling code; None for an email address."""
        if self.channel is not Channel.TEXT:
            return None
        return self.address[:-_RANGE_DIGITS], f"+{phonenumbers.parse(self.address).country_code}"


def parse_destination(channel: Channel, text: str, field_name: str = "destination") -> Destination:
    """The destination that a request's field holds for EMAIL or TEXT.

    Raises INVALID_FIELD naming the field; the text is not repeated.
    """
    if channel is Channel.TEXT:
        if not _is_number(text):
            raise invalid_field(field_name, "must be a number in E.164 form")
    elif not _is_email(text):
        raise invalid_field(field_name, "must be an email address")
    return Destination(channel=channel, address=text)


def require_served(destination: Destination, countries: frozenset[str], field_name: str = "destination") -> None:
    """Raises INVALID_FIELD for a number of a country that texts do not go to; with no countries given, all are served.

    A number that countries share (+1, +44, +7) is served where any of them is.
    """
    if destination.channel is not Channel.TEXT or not countries:
        return
    number = phonenumbers.parse(destination.address)
    region = phonenumbers.region_code_for_number(number)
    regions = {region} if region else set(phonenumbers.region_codes_for_country_code(number.country_code or 0))
    if not regions & countries:
        raise invalid_field(field_name, "is a number of a country that texts are not sent to; offer email")


def _is_number(text: str) -> bool:
    if not _E164.fullmatch(text):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        return False


def _is_email(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    if not at or len(text.encode(errors="replace")) > MAX_EMAIL or len(local) > 64:
        return False
    if any(unicodedata.category(character)[0] == "C" for character in text):
        return False
    labels = domain.split(".")
    return bool(_UNQUOTED.fullmatch(local) and _UNQUOTED.fullmatch(domain)) and all(
        label and not label.startswith("-") and not label.endswith("-") and len(label) <= 63 for label in labels
    )
