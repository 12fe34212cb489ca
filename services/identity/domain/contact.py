"""Ways to reach an owner: normal forms of addresses and numbers, and masks that give little away."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from libs.runtime.errors import invalid_field
from services.identity.domain.text import mixes_scripts

_IN_NUMBERS: Final = frozenset("+-.()/ \u00a0")
_HIDDEN: Final = "•••"


class Channel(StrEnum):
    """By which way an owner is reached."""

    EMAIL = "EMAIL"
    TEXT = "TEXT"


class ContactRole(StrEnum):
    """Whose a contact is."""

    OWNER = "OWNER"
    APPROVER = "APPROVER"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """A way to reach an owner or an approver; ``verified`` once its person has proved to receive there."""

    contact_id: UUID
    channel: Channel
    destination: str = field(repr=False)
    verified: bool
    role: ContactRole = ContactRole.OWNER
    name: str = field(default="", repr=False)

    @property
    def masked(self) -> str:
        """The destination with most of it hidden."""
        return mask(self.channel, self.destination)


def owner_contact_id(account_id: UUID, channel: Channel) -> UUID:
    """The id of the owner's contact: there is one a channel, whatever stands in it."""
    return uuid5(account_id, f"contact {channel}")


def normalize(channel: Channel, text: str, field_name: str = "destination") -> str:
    """A destination of either channel in its one form. Raises INVALID_FIELD on the field, without the text."""
    if channel is Channel.EMAIL:
        return normalize_email(text, field_name)
    return normalize_phone(text, field_name)


def same_destination(channel: Channel, one: str, other: str) -> bool:
    """Whether two destinations in normal form reach the same mailbox or phone."""
    return email_key(one) == email_key(other) if channel is Channel.EMAIL else one == other


def normalize_email(text: str, field_name: str = "email") -> str:
    """The address in the one form in which it is stored and written to: ASCII, its domain in lower case.

    Letters beyond ASCII before the @ are refused: few mail servers take them, and they look like others. So are domains
    with a label that mixes scripts, as homoglyphs do. What stands after a + stays: it is another mailbox, for all we
    know. Whether the domain exists is for the code to find out. Raises INVALID_FIELD on the field, without the address.
    """
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        raise invalid_field(field_name, "must be an email address") from None
    if valid.ascii_email is None:
        raise invalid_field(field_name, "must be an email address")
    if any(mixes_scripts(label) for label in valid.domain.split(".")):
        raise invalid_field(field_name, "must not mix letters of several scripts in its domain")
    return valid.ascii_email


def email_key(normalized: str) -> str:
    """What makes two addresses the same: a mailbox is one however it is capitalised."""
    return normalized.lower()


def normalize_phone(text: str, field_name: str = "phone") -> str:
    """The number in E.164. Raises INVALID_FIELD on the field, without the number."""
    # The library reads words as a telephone's keys, and passes over what it does not know.
    if not all(character.isdecimal() or character in _IN_NUMBERS for character in text):
        raise invalid_field(field_name, "must hold digits, spaces and + - . ( ) / alone")
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise invalid_field(field_name, "must be a phone number that begins with + and its country code") from None
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise invalid_field(field_name, "must be a number that is in use in its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def mask(channel: Channel, destination: str) -> str:
    """A destination with most of it hidden."""
    return mask_email(destination) if channel is Channel.EMAIL else mask_phone(destination)


def mask_email(address: str) -> str:
    """``a•••@e•••.com``: the first character of each side and the top-level domain, lengths hidden."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}{_HIDDEN}@{domain[:1]}{_HIDDEN}.{domain.rpartition('.')[2]}"


def mask_phone(number: str) -> str:
    """``•••42``: the last two digits."""
    return f"{_HIDDEN}{number[-2:]}"
