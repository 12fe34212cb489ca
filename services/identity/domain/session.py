"""Sessions: devices that signed in, how long that lasts, and the tokens they show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

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
class TokenLife:
    """How long the tokens of a session hold, from the moment they are issued.

    ``session`` is the longest that a session lasts from its sign-in, however often it is refreshed; None: no end.
    """

    session_token: timedelta
    refresh_token: timedelta
    session: timedelta | None = None

    def end(self, create_time: datetime) -> datetime | None:
        """When a session that began then is over for good; None: never."""
        return None if self.session is None else create_time + self.session


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetimes:
    """Tokens of a device that proves to hold a key live longer than those that whoever copied them can use."""

    with_key: TokenLife
    without_key: TokenLife

    def of(self, device_key: bytes | None) -> TokenLife:
        """How long the tokens of a device with this key, or with none, hold."""
        return self.without_key if device_key is None else self.with_key


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A device that signed in to an account; ``device_key`` is its public key, where it has one."""

    session_id: UUID
    account_id: UUID
    device_id: str
    state: SessionState
    create_time: datetime
    refresh_expire_time: datetime
    end_reason: EndReason | None = None
    device_key: bytes | None = None

    def as_of(self, now: datetime, *, token_expire_time: datetime) -> Self:
        """The session as one of its tokens sees it: ENDED with EXPIRED once the token's time has run out."""
        return self if now < token_expire_time else self.over()

    def over(self) -> Self:
        """The session as ended: by its own reason, or because its time has run out."""
        if self.state is SessionState.ENDED:
            return self
        return replace(self, state=SessionState.ENDED, end_reason=EndReason.EXPIRED)


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedTokens:
    """The times of a session's tokens, and the secret of the one that is exchanged, which is never stored."""

    issue_time: datetime
    session_expire_time: datetime
    refresh_token: RefreshToken = field(repr=False)
    refresh_expire_time: datetime


def issue_tokens(
    account_id: UUID,
    *,
    now: datetime,
    life: TokenLife,
    refresh_token: RefreshToken | None = None,
    create_time: datetime | None = None,
) -> IssuedTokens:
    """A pair of tokens whose time runs from ``now``, in whole seconds as signed tokens tell it.

    Neither outlives the session, which began at ``create_time`` (None: now).
    """
    issue_time = now.replace(microsecond=0)
    end = life.end((create_time or now).replace(microsecond=0)) or datetime.max.replace(tzinfo=UTC)
    return IssuedTokens(
        issue_time=issue_time,
        session_expire_time=min(issue_time + life.session_token, end),
        refresh_token=refresh_token or new_refresh_token(account_id),
        refresh_expire_time=min(issue_time + life.refresh_token, end),
    )
