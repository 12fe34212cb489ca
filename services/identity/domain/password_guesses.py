"""How many wrong passwords are compared: for an address by whom, over all addresses by network, for an account.

A guess is spent before it is compared, and given back where nothing was. A right password clears the counter of who
knew it. A counter is a bucket that fills evenly (the generic cell rate algorithm, ITU-T I.371): so many guesses at
once, then only as fast as it fills; and beside it the wrong ones in a row, which no time brings back.

What is here as functions over a counter is done by the statements in ``storage/password_guesses.py``, each in one step;
a test holds the two to each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.identity.domain.session import EndReason, SessionState

_LEAST_WAIT: Final = timedelta(seconds=1)
_SHUT_OUT: Final = frozenset({EndReason.DEVICE_REVOKED, EndReason.MOVED_AWAY, EndReason.MOVED_BACK})


class Standing(StrEnum):
    """What an account knows of the device that a password is entered on, and so with whom it shares a counter.

    ``KNOWN``: it got in with the present password, or by the code with which that was set. A counter of its own, so
    that no stranger locks it out. ``FORMER``: it had a session before the present password; all of these share one, as
    somebody who had the former password may have made many. ``STRANGER``: every other device, and any at an address
    without an account; these share one.
    """

    KNOWN = "KNOWN"
    FORMER = "FORMER"
    STRANGER = "STRANGER"


@dataclass(frozen=True, kw_only=True, slots=True)
class LastSession:
    """The latest session of a device on an account."""

    state: SessionState
    end_reason: EndReason | None
    create_time: datetime


def standing_of(last: LastSession | None, *, password_time: datetime, set_it: bool) -> Standing:
    """``password_time``: since when the password is the present one; ``set_it``: by a code that this device proved."""
    since = last is not None and last.create_time >= password_time and last.end_reason is not EndReason.PASSWORD_CHANGED
    shut_out = last is not None and last.end_reason in _SHUT_OUT
    if set_it and not (shut_out and since):
        return Standing.KNOWN
    if last is None or shut_out or last.state is SessionState.RESTRICTED:
        return Standing.STRANGER
    return Standing.KNOWN if last.state is SessionState.LIVE or since else Standing.FORMER


@dataclass(frozen=True, kw_only=True, slots=True)
class GuessLimit:
    """``at_once`` guesses, which come back one after the other within ``window``; ``in_row`` without a right one.

    ``name`` is told to who reached it.
    """

    name: str
    at_once: int
    window: timedelta
    in_row: int | None = None

    @property
    def cost(self) -> timedelta:
        """How long one guess takes to come back."""
        return self.window / self.at_once


@dataclass(frozen=True, kw_only=True, slots=True)
class GuessPolicy:
    """The limits; ``pause`` is how long a refused guess keeps its place, so that refusing a flood costs no more than
    comparing it."""

    by_address: GuessLimit
    by_network: GuessLimit
    pause: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Guesses:
    """A counter. Guesses are numbered from its beginning; those that do not count against it any more are ``cleared``.

    ``full_time`` is when every guess is there again.
    """

    begin_time: datetime
    attempts: int
    cleared: int
    full_time: datetime

    @property
    def in_row(self) -> int:
        """Guesses, wrong or not compared yet, since the last right one."""
        return self.attempts - self.cleared


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Which limit is reached, how much it allows, and how long to wait; None where waiting does not help."""

    limit: str
    most: int
    wait: timedelta | None


def refusal(guesses: Guesses | None, limit: GuessLimit, now: datetime) -> Refusal | None:
    """Why one more guess would be refused; None where it would not."""
    if guesses is None:
        return None
    if limit.in_row is not None and guesses.in_row >= limit.in_row:
        return Refusal(limit=f"{limit.name}_in_row", most=limit.in_row, wait=None)
    wait = guesses.full_time + limit.cost - limit.window - now
    if wait <= timedelta():
        return None
    return Refusal(limit=limit.name, most=limit.at_once, wait=max(wait, _LEAST_WAIT))


def spend(guesses: Guesses | None, limit: GuessLimit, now: datetime) -> Guesses | Refusal:
    """The counter with one guess more, whose number is its ``attempts``."""
    if (refused := refusal(guesses, limit, now)) is not None:
        return refused
    if guesses is None:
        return Guesses(begin_time=now, attempts=1, cleared=0, full_time=now + limit.cost)
    return replace(guesses, attempts=guesses.attempts + 1, full_time=max(guesses.full_time, now) + limit.cost)


def refund(spent: Guesses, limit: GuessLimit, now: datetime) -> timedelta:
    """What is left of a guess to give back: the time that it still takes to come back by itself."""
    return min(limit.cost, max(timedelta(), spent.full_time - now))


def give_back(guesses: Guesses, spent: Guesses, limit: GuessLimit, now: datetime) -> Guesses:
    """A guess was not compared; nothing to do where a later right one has cleared it.

    Exact for guesses that are given back sooner than one takes to come back: a comparison takes a second, no more.
    """
    if guesses.cleared >= spent.attempts:
        return guesses
    full_time = guesses.full_time - refund(spent, limit, now)
    return replace(guesses, cleared=guesses.cleared + 1, full_time=full_time)


def clear(guesses: Guesses, spent: Guesses, limit: GuessLimit, now: datetime) -> Guesses | None:
    """A guess was right: what was spent after it still counts. None: nothing was."""
    if guesses.attempts == spent.attempts:
        return None
    later = guesses.attempts - spent.attempts
    full_time = min(guesses.full_time, now + later * limit.cost)
    return replace(guesses, cleared=max(guesses.cleared, spent.attempts), full_time=full_time)
