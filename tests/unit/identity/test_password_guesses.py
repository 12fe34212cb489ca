"""The limits on guessed passwords: what is compared in any time and in a row, and who shares a counter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from libs.runtime.networks import network_of
from services.identity.domain.password_guesses import (
    Guesses,
    GuessLimit,
    LastSession,
    Refusal,
    Standing,
    clear,
    give_back,
    refusal,
    spend,
    standing_of,
)
from services.identity.domain.session import EndReason, SessionState

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMIT = GuessLimit(name="password_guesses", at_once=3, window=timedelta(seconds=30), in_row=7)


class Guessing(RuleBasedStateMachine):
    """Guesses that are spent, and compared, right, wrong or not at all, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.guesses: Guesses | None = None
        self.under_way: list[tuple[Guesses, int, datetime]] = []
        self.counted: list[tuple[int, datetime]] = []
        """What counts since the last right one: order in which it was spent, and when."""
        self.order = 0

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        # A comparison takes less time than a guess to come back; whoever hears of none after that counts as wrong.
        self.under_way = [each for each in self.under_way if self.now - each[2] < LIMIT.cost]

    @rule()
    def somebody_guesses(self) -> None:
        # Two rows never begin at one moment: there is a comparison between them.
        self.now += timedelta(microseconds=1)
        after = spend(self.guesses, LIMIT, self.now)
        if isinstance(after, Refusal):
            assert after.wait is None or after.wait >= SECOND
            return
        self.order += 1
        self.guesses = after
        self.under_way.append((after, self.order, self.now))
        self.counted.append((self.order, self.now))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100))
    def it_was_wrong(self, which: int) -> None:
        self.under_way.pop(which % len(self.under_way))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100))
    def it_was_right(self, which: int) -> None:
        spent, order, _ = self.under_way.pop(which % len(self.under_way))
        self.counted = [each for each in self.counted if each[0] > order]
        if self._same(spent):
            assert self.guesses is not None
            self.guesses = clear(self.guesses, spent, LIMIT, self.now)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100))
    def it_was_not_compared(self, which: int) -> None:
        spent, order, _ = self.under_way.pop(which % len(self.under_way))
        self.counted = [each for each in self.counted if each[0] != order]
        if self._same(spent):
            assert self.guesses is not None
            self.guesses = give_back(self.guesses, spent, LIMIT, self.now)

    def _same(self, spent: Guesses) -> bool:
        """As the statements look for the row by when it began."""
        return self.guesses is not None and self.guesses.begin_time == spent.begin_time

    @invariant()
    def no_more_in_a_row_than_allowed(self) -> None:
        assert LIMIT.in_row is not None
        assert len(self.counted) <= LIMIT.in_row

    @invariant()
    def no_more_in_any_time_than_at_once_and_what_came_back(self) -> None:
        times = [when for _, when in self.counted]
        for first, begin in enumerate(times):
            for last in range(first, len(times)):
                came_back = (times[last] - begin) / LIMIT.cost
                assert last - first + 1 <= LIMIT.at_once + came_back + 1e-9


Guessing.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_guessing = Guessing.TestCase


def spent(count: int, now: datetime = NOW, limit: GuessLimit = LIMIT) -> Guesses:
    """A counter after so many guesses, each as soon as it may be."""
    guesses: Guesses | None = None
    for _ in range(count):
        while (refused := refusal(guesses, limit, now)) is not None:
            assert refused.wait is not None
            now += refused.wait
        after = spend(guesses, limit, now)
        assert isinstance(after, Guesses)
        guesses = after
    assert guesses is not None
    return guesses


def test_after_those_at_once_one_comes_back_after_the_other() -> None:
    used = spent(3)
    refused = spend(used, LIMIT, NOW)
    assert refused == Refusal(limit="password_guesses", most=3, wait=timedelta(seconds=10))
    assert isinstance(spend(used, LIMIT, NOW + 9 * SECOND), Refusal)
    later = spend(used, LIMIT, NOW + 10 * SECOND)
    assert isinstance(later, Guesses)
    assert isinstance(spend(later, LIMIT, NOW + 10 * SECOND), Refusal)


@given(years=st.integers(0, 50))
def test_no_time_brings_those_in_a_row_back(years: int) -> None:
    used = spent(7)
    refused = spend(used, LIMIT, NOW + timedelta(days=366 * years))
    assert refused == Refusal(limit="password_guesses_in_row", most=7, wait=None)


def test_a_limit_without_a_row_counts_none() -> None:
    network = GuessLimit(name="network", at_once=3, window=timedelta(seconds=30))
    assert refusal(spent(500, limit=network), network, NOW + timedelta(days=1)) is None


@given(number=st.integers(1, 3))
def test_a_guess_that_is_given_back_after_a_later_right_one_is_given_back_once(number: int) -> None:
    used = spent(3)
    after = clear(used, spent(2), LIMIT, NOW)
    assert after is not None
    assert after.in_row == 1
    again = give_back(after, spent(number), LIMIT, NOW)
    assert again.in_row == (0 if number == 3 else 1)


BEFORE, SINCE = NOW - SECOND, NOW + SECOND
LIVE, RESTRICTED, ENDED = SessionState.LIVE, SessionState.RESTRICTED, SessionState.ENDED


@pytest.mark.parametrize(
    ("state", "reason", "began", "set_it", "standing"),
    [
        (LIVE, None, SINCE, False, Standing.KNOWN),
        (LIVE, None, BEFORE, False, Standing.KNOWN),
        (ENDED, EndReason.SIGNED_OUT, SINCE, False, Standing.KNOWN),
        (ENDED, EndReason.SIGNED_OUT, BEFORE, False, Standing.FORMER),
        (ENDED, EndReason.PASSWORD_CHANGED, NOW, False, Standing.FORMER),
        (ENDED, EndReason.DEVICE_REVOKED, SINCE, False, Standing.STRANGER),
        (ENDED, EndReason.DEVICE_REVOKED, BEFORE, False, Standing.STRANGER),
        (ENDED, EndReason.MOVED_AWAY, SINCE, False, Standing.STRANGER),
        (RESTRICTED, None, SINCE, False, Standing.STRANGER),
        # Whoever proved the code is known, until shut out after it.
        (RESTRICTED, None, SINCE, True, Standing.KNOWN),
        (ENDED, EndReason.DEVICE_REVOKED, BEFORE, True, Standing.KNOWN),
        (ENDED, EndReason.DEVICE_REVOKED, SINCE, True, Standing.STRANGER),
    ],
)
def test_a_device_is_known_that_got_in_with_the_present_password_and_was_not_shut_out(
    state: SessionState, reason: EndReason | None, began: datetime, set_it: bool, standing: Standing
) -> None:
    last = LastSession(state=state, end_reason=reason, create_time=began)
    assert standing_of(last, password_time=NOW, set_it=set_it) is standing


def test_a_device_without_a_session_is_a_strangers_unless_it_proved_the_code() -> None:
    assert standing_of(None, password_time=NOW, set_it=False) is Standing.STRANGER
    assert standing_of(None, password_time=NOW, set_it=True) is Standing.KNOWN


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.10", "203.0.113.0/24"),
        ("::ffff:203.0.113.10", "203.0.113.0/24"),
        ("2001:db8:bad:12ff::9", "2001:db8:bad:1200::/56"),
    ],
)
def test_an_address_is_counted_under_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_what_is_no_address_has_no_network() -> None:
    with pytest.raises(ValueError, match="appear"):
        network_of("somewhere")
