"""The numbers that the rules work with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most ``count`` events within any ``window``."""

    count: int
    window: timedelta

    def cutoff(self, now: datetime) -> datetime:
        """Events up to this moment no longer count."""
        return now - self.window

    def retry_after(self, oldest_counted: datetime | None, now: datetime) -> timedelta:
        """How long until the oldest event that counts has left the window; at least a second."""
        if oldest_counted is None:
            return timedelta(seconds=1)
        return max(oldest_counted + self.window - now, timedelta(seconds=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pumping:
    """When codes to a range of numbers are for nobody: many were sent within the window, and few were entered."""

    window: timedelta
    pause: timedelta
    """For how long nothing is sent there; after it the range is counted anew."""
    sent_to_range: int
    """From so many on a range is judged."""
    sent_to_country: int
    """From so many on a whole calling code is."""
    least_verified: float
    """The share of codes that has to be entered, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What messages cost, in any one currency, and what may be spent in a day."""

    ceiling_per_day: float
    email_price: float
    text_price: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a code is like, how often it may be sent and guessed."""

    code_digits: int
    code_lifetime: timedelta
    approval_lifetime: timedelta
    attempts_per_code: int
    sends_per_account: Limit
    approvals_per_account: Limit
    sends_per_destination: Limit
    sends_per_network: Limit
    sends_per_phone_range: Limit
    spending: Spending
    pumping: Pumping
    served_countries: frozenset[str]
    """Countries to which texts go, ISO 3166-1 alpha-2; empty: all."""
    failures: Limit
    failures_per_network: Limit
    consecutive_failures: int
    consecutive_pause: timedelta
    notice_lifetime: timedelta
    receipt_wait: timedelta
    """A text that was taken and not reported as received within this time seems not to arrive."""
    hard_bounce_pause: timedelta
    """For how long no notices go to an address that a provider called dead."""
    unsubscription: timedelta
    """How long an unsubscription holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """When a message is tried again."""

    first_delay: timedelta
    longest_delay_of_codes: timedelta
    longest_delay_of_notices: timedelta
    max_attempts: int

    def next_attempt(
        self,
        *,
        attempt: int,
        is_code: bool,
        now: datetime,
        expire_time: datetime,
        at_least: timedelta | None,
        jitter: float,
    ) -> datetime | None:
        """When to try again after attempt number ``attempt`` (from 1) has failed; None: never, it would be too late.

        The delay doubles with each attempt and is shortened by up to a half as ``jitter`` (0 to 1) says.
        ``at_least`` is the provider's wish.
        """
        if attempt >= self.max_attempts:
            return None
        longest = self.longest_delay_of_codes if is_code else self.longest_delay_of_notices
        delay = min(self.first_delay * 2 ** min(attempt - 1, 32), longest) * (1 - jitter / 2)
        moment = now + max(delay, at_least or timedelta(0))
        return moment if moment < expire_time else None
