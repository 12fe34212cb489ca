"""Changes of where an owner is reached, from the wish to the proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.identity.domain.contact import Channel, Contact, same_destination


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactChange:
    """A new address or number. ``claimed``: entered as the account's, though not in use; ``former``: what stood before.

    ``restoring``: an operator gives a former address back.
    """

    account_id: UUID
    contact_id: UUID
    channel: Channel
    destination: str = field(repr=False)
    restoring: bool = False
    claimed: bool = False
    done: bool = False
    former: str = field(default="", repr=False)
    create_time: datetime


def replaced_by(change: ContactChange, present: Contact | None) -> str:
    """The verified destination whose place the change takes; empty where there is none, or it is the same."""
    if present is None or not present.verified:
        return ""
    same = same_destination(change.channel, present.destination, change.destination)
    return "" if same else present.destination
