"""Sessions: devices that signed in, how long that lasts, and the tokens they show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from libs.runtime.tokens import SessionToken, new_session_token
from services.identity.domain.refresh_token import RefreshToken, new_refresh_token


class SessionState(StrEnum):
    """Whether a session may be used."""

    LIVE = "LIVE"
    RESTRICTED = "RESTRICTED"
    ENDED = "ENDED"


class EndReason(StrEnum):
    """Why a session is over."""

    SIGNED_OUT = "SIGNED_OUT"
    SIGNED_OUT_EVERYWHERE = "SIGNED_OUT_EVERYWHERE"
    DEVICE_REVOKED = "DEVICE_REVOKED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    TOKEN_REUSED = "TOKEN_REUSED"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    MOVED_AWAY = "MOVED_AWAY"
    MOVED_BACK = "MOVED_BACK"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetimes:
    """How long tokens hold, from the moment they are issued."""

    session_token: timedelta
    refresh_token: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A device that signed in to an account."""

    session_id: UUID
    account_id: UUID
    device_id: str
    state: SessionState
    create_time: datetime
    session_expire_time: datetime
    refresh_expire_time: datetime
    end_reason: EndReason | None = None

    def as_of(self, now: datetime) -> Self:
        """The session as its token sees it at a moment: ENDED with EXPIRED once the token's time has run out."""
        if self.state is SessionState.ENDED or now < self.session_expire_time:
            return self
        return replace(self, state=SessionState.ENDED, end_reason=EndReason.EXPIRED)


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedTokens:
    """The secrets of a session, given to its device once and never stored."""

    session_token: SessionToken = field(repr=False)
    session_expire_time: datetime
    refresh_token: RefreshToken = field(repr=False)
    refresh_expire_time: datetime


def issue_tokens(account_id: UUID, *, now: datetime, lifetimes: Lifetimes) -> IssuedTokens:
    """A fresh pair of tokens whose time runs from ``now``."""
    return IssuedTokens(
        session_token=new_session_token(account_id),
        session_expire_time=now + lifetimes.session_token,
        refresh_token=new_refresh_token(account_id),
        refresh_expire_time=now + lifetimes.refresh_token,
    )
