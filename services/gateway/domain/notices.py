"""Notices on their way to an owner: what they tell, and when one that was not taken is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from libs.runtime.errors import ErrorReason
from services.gateway.domain.records import Channel
from services.gateway.domain.verification import NoticeKind, Requester

DISOWNABLE = frozenset({NoticeKind.NEW_SIGN_IN, NoticeKind.SIGN_IN_STOPPED, NoticeKind.PASSWORD_CHANGED})
"""What an owner may say "it wasn't me" to from the mail itself."""

_HOPELESS = frozenset({ErrorReason.INVALID_FIELD, ErrorReason.NOT_FOUND})


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressee:
    """Where a notice goes, and in which language (BCP 47)."""

    channel: Channel
    destination: str = field(repr=False)
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnerNotice:
    """What an owner is to be told; ``about`` is the device it is about, if any. ``disown_token`` is a secret.

    ``former``: an address that is no longer the account's, for which this notice is; None for the one it has by then.
    """

    account_id: UUID
    notice_id: UUID
    kind: NoticeKind
    about: Requester | None
    event_time: datetime
    disown_token: str = field(default="", repr=False)
    former: Addressee | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticePolicy:
    """How long a notice is tried to be handed over, and how often."""

    lifetime: timedelta
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=5)

    def delay(self, attempt: int) -> timedelta:
        """How long to wait after a failed attempt, the first being 1: twice as long each time, up to the longest."""
        doubled: timedelta = self.first_delay * 2 ** min(attempt - 1, 20)
        return min(self.longest_delay, doubled)


def is_hopeless(reason: ErrorReason) -> bool:
    """Whether trying again cannot help: the account or its address is gone, or challenge does not take the notice."""
    return reason in _HOPELESS
