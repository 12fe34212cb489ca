"""Counters of guessed passwords in the database, and what a sign-in is checked against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.domain.account import Account
from services.identity.domain.password_guesses import (
    Guesses,
    GuessLimit,
    LastSession,
    Standing,
    refund,
    standing_of,
)
from services.identity.domain.protection import Credential
from services.identity.domain.session import EndReason, SessionState
from services.identity.storage import password_guess_sql as sql
from services.identity.storage.accounts import account_from_row

STRANGERS: Final = b""
FORMER_DEVICES: Final = b"former"
NETWORK: Final = b"network"
"""Holders of counters; a known device's is a keyed hash."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInState:
    """What a sign-in finds of its account, and of its device there."""

    account: Account
    credential: Credential | None
    standing: Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Counter:
    """Where a guess is counted."""

    guess_hash: bytes = field(repr=False)
    holder: bytes = field(repr=False)
    limit: GuessLimit


@dataclass(frozen=True, kw_only=True, slots=True)
class SpentGuess:
    """A guess that may be compared; its number in the counter is ``guesses.attempts``."""

    counter: Counter
    guesses: Guesses


async def find_sign_in(executor: Executor, account_id: UUID, device_id: str) -> SignInState | None:
    """Account, password and device, in one round trip; None where there is no account."""
    row = await executor.fetch_row(sql.FIND_SIGN_IN, account_id, device_id)
    if row is None:
        return None
    account = account_from_row(row)
    if row["password_hash"] is None:
        return SignInState(account=account, credential=None, standing=Standing.STRANGER)
    credential = Credential(
        password_hash=row["password_hash"], version=row["version"], reset_required=row["reset_required"]
    )
    standing = standing_of(_last_session(row), password_time=row["set_time"], set_it=row["set_it"])
    return SignInState(account=account, credential=credential, standing=standing)


async def spend(executor: Executor, counters: Sequence[Counter], now: datetime) -> list[SpentGuess]:
    """One guess of each counter, in one statement: those that had one left. The second may be a network's.

    Locks are taken in the order of the counters, so that no two calls wait for each other.
    """
    first, *more = counters
    values = (now, *_spent(first), first.limit.in_row)
    if more:
        values = (*values, *_spent(more[0]))
    rows = await executor.fetch(sql.SPEND_GUESS_OF_NETWORK if more else sql.SPEND_GUESS, *values)
    by_key = {(row["guess_hash"], row["holder"]): _guesses(row) for row in rows}
    return [
        SpentGuess(counter=each, guesses=by_key[key])
        for each in counters
        if (key := (each.guess_hash, each.holder)) in by_key
    ]


async def find_guesses(executor: Executor, counter: Counter) -> Guesses | None:
    """How a counter stands."""
    row = await executor.fetch_row(sql.FIND_GUESSES, counter.guess_hash, counter.holder)
    return _guesses(row) if row else None


async def give_back(executor: Executor, spent: SpentGuess, now: datetime) -> None:
    """Take a guess back."""
    await executor.execute(sql.GIVE_GUESS_BACK, *_named(spent), refund(spent.guesses, spent.counter.limit, now))


async def clear(executor: Executor, spent: SpentGuess, now: datetime) -> None:
    """The guess was right: neither it nor those before it count any more."""
    if await executor.execute(sql.FORGET_GUESSES, *_named(spent)) == "DELETE 0":
        await executor.execute(sql.CLEAR_GUESSES, *_named(spent), now, spent.counter.limit.cost)


async def forget_account(
    transaction: Executor, account_id: UUID, guess_hashes: Sequence[bytes], set_device_id: str | None
) -> None:
    """A new password was set: every counter of the account and of its addresses begins anew."""
    await transaction.execute(sql.NOTE_PASSWORD_DEVICE, account_id, set_device_id)
    await transaction.execute(sql.FORGET_GUESSES_OF_ACCOUNT, list(guess_hashes))
    await transaction.execute(sql.FORGET_GUESSES_OF_ADDRESSES, account_id)


def _spent(counter: Counter) -> tuple[object, ...]:
    return counter.guess_hash, counter.holder, counter.limit.cost, counter.limit.window


def _named(spent: SpentGuess) -> tuple[object, ...]:
    return spent.counter.guess_hash, spent.counter.holder, spent.guesses.begin_time, spent.guesses.attempts


def _guesses(row: Record) -> Guesses:
    return Guesses(
        begin_time=row["begin_time"], attempts=row["attempts"], cleared=row["cleared"], full_time=row["full_time"]
    )


def _last_session(row: Record) -> LastSession | None:
    if row["session_state"] is None:
        return None
    return LastSession(
        state=SessionState(row["session_state"]),
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
        create_time=row["session_create_time"],
    )
