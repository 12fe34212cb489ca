"""How long a provider that throttles is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from services.challenge.delivery.throttle import ThrottleRule


@dataclass
class Seconds:
    """A clock that is set by hand."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def a_rule(clock: Seconds, *, first: float = 1.0, longest: float = 8.0) -> ThrottleRule:
    return ThrottleRule(first=first, longest=longest, clock=clock)


def pause_after(rule: ThrottleRule, clock: Seconds) -> float:
    """The pause that a submit of now, throttled, brings; it is waited out."""
    clock.now += 0.1
    rule.throttled(rule.sent())
    pause = rule.wait()
    clock.now += pause
    return round(pause, 6)


def test_without_throttling_nothing_is_held() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    rule.taken(rule.sent())
    assert rule.wait() == 0


def test_a_pause_runs_down_and_ends() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    rule.throttled(rule.sent())
    clock.now += 0.25
    assert rule.wait() == 0.75
    clock.now += 5
    assert rule.wait() == 0


def test_pauses_double_up_to_the_longest() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    assert [pause_after(rule, clock) for _ in range(5)] == [1, 2, 4, 8, 8]


def test_the_first_pause_is_no_longer_than_the_longest() -> None:
    clock = Seconds()
    assert pause_after(a_rule(clock, first=60, longest=8), clock) == 8


def test_submits_under_way_together_are_one_throttling() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    sent_at = rule.sent()
    clock.now += 0.1
    for _ in range(10):
        rule.throttled(sent_at)
    assert rule.wait() == 1
    clock.now += 1
    assert pause_after(rule, clock) == 2


def test_success_halves_the_next_pause_down_to_the_first() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    assert [pause_after(rule, clock) for _ in range(3)] == [1, 2, 4]
    rule.taken(rule.sent())
    assert pause_after(rule, clock) == 4
    for _ in range(10):
        rule.taken(rule.sent())
    assert pause_after(rule, clock) == 1


def test_success_of_what_was_sent_before_the_pause_shrinks_nothing() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    before = rule.sent()
    assert pause_after(rule, clock) == 1
    rule.taken(before)
    assert pause_after(rule, clock) == 2


def take(rule: ThrottleRule, clock: Seconds, count: int) -> None:
    """So many submits are sent and taken within a second."""
    for _ in range(count):
        clock.now += 1 / count
        rule.taken(rule.sent())


def spacing(rule: ThrottleRule, clock: Seconds) -> float:
    """The wait of one submit behind another that is sent when it may be."""
    clock.now += rule.wait()
    rule.sent()
    return rule.wait()


def test_after_a_pause_submits_are_spaced_by_four_fifths_of_the_speed_before() -> None:
    """What waited for its end does not go out at once."""
    clock = Seconds()
    rule = a_rule(clock)
    take(rule, clock, 100)
    rule.throttled(rule.sent())
    assert spacing(rule, clock) == pytest.approx(1 / 80)
    assert rule.wait(ahead=3) == pytest.approx(4 / 80)


def test_the_speed_comes_back_by_the_same_step_each_second() -> None:
    """Additively: a twentieth of what was left, so that a limit is crossed seldom and by little."""
    clock = Seconds()
    rule = a_rule(clock)
    take(rule, clock, 100)
    rule.throttled(rule.sent())
    speeds = []
    for _ in range(4):
        speeds.append(1 / spacing(rule, clock))
        clock.now += 1 - rule.wait()
    assert [round(each - before) for before, each in pairwise(speeds)] == [4, 4, 4]


def test_a_provider_that_took_nothing_lately_gets_one_submit_in_a_first_pause() -> None:
    """Nothing is known of its speed then, and it is found from below."""
    clock = Seconds()
    rule = a_rule(clock, first=2.0)
    take(rule, clock, 100)
    clock.now += 5
    rule.throttled(rule.sent())
    assert spacing(rule, clock) == pytest.approx(2)


def test_submits_before_the_first_throttling_are_not_spaced() -> None:
    """However many went before."""
    clock = Seconds()
    rule = a_rule(clock)
    take(rule, clock, 100)
    rule.sent()
    assert rule.wait(ahead=1000) == 0
