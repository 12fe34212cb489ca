"""How long a provider that throttles is left alone."""

from __future__ import annotations

from dataclasses import dataclass

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
    rule.throttled(rule.now())
    pause = rule.remaining()
    clock.now += pause
    return round(pause, 6)


def test_without_throttling_nothing_is_held() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    rule.taken(rule.now())
    assert rule.remaining() == 0


def test_a_pause_runs_down_and_ends() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    rule.throttled(rule.now())
    clock.now += 0.25
    assert rule.remaining() == 0.75
    clock.now += 5
    assert rule.remaining() == 0


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
    sent_at = rule.now()
    clock.now += 0.1
    for _ in range(10):
        rule.throttled(sent_at)
    assert rule.remaining() == 1
    clock.now += 1
    assert pause_after(rule, clock) == 2


def test_success_halves_the_next_pause_down_to_the_first() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    assert [pause_after(rule, clock) for _ in range(3)] == [1, 2, 4]
    rule.taken(rule.now())
    assert pause_after(rule, clock) == 4
    for _ in range(10):
        rule.taken(rule.now())
    assert pause_after(rule, clock) == 1


def test_success_of_what_was_sent_before_the_pause_shrinks_nothing() -> None:
    clock = Seconds()
    rule = a_rule(clock)
    before = rule.now()
    assert pause_after(rule, clock) == 1
    rule.taken(before)
    assert pause_after(rule, clock) == 2
