"""Approvers: second adults of a household, who get codes and warnings and may approve."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from services.identity.domain.contact import Channel, Contact, ContactRole, same_destination
from services.identity.domain.profile import Profile


@dataclass(frozen=True, kw_only=True, slots=True)
class Approver:
    """A second adult; an approver only once ``verified``. ``profile_id``: theirs in the account, if they have one."""

    account_id: UUID
    approver_id: UUID
    name: str = field(repr=False)
    channel: Channel
    destination: str = field(repr=False)
    profile_id: UUID | None
    verified: bool
    create_time: datetime

    @property
    def contact(self) -> Contact:
        """Where they are reached."""
        return Contact(
            contact_id=self.approver_id,
            channel=self.channel,
            destination=self.destination,
            verified=self.verified,
            role=ContactRole.APPROVER,
            name=self.name,
        )


def check_profile(profile: Profile | None) -> None:
    """Raises NOT_FOUND for a profile that is not there, INVALID_FIELD for a child's and for the owner's."""
    if profile is None or profile.moved_to is not None:
        raise not_found("profile")
    if profile.kids:
        raise invalid_field("profile_id", "must not be a kids' profile: an approver is an adult")
    if profile.primary:
        raise invalid_field("profile_id", "must not be the owner's profile")


def check_second(channel: Channel, destination: str, present: Iterable[Contact]) -> None:
    """Raises INVALID_FIELD for a destination at which the owner or another approver is reached already."""
    for contact in present:
        if contact.channel is channel and same_destination(channel, contact.destination, destination):
            whose = "the owner's" if contact.role is ContactRole.OWNER else "another approver's"
            raise invalid_field("destination", f"must not be {whose}: an approver is a second person")


def check_room(verified: int, max_approvers: int) -> None:
    """Raises LIMIT_EXCEEDED where the account has as many approvers as it may have."""
    if verified >= max_approvers:
        metadata = {"limit": "approvers", "max": str(max_approvers)}
        raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="the account has all its approvers", metadata=metadata)
