"""When a failing provider is left alone: a pure state, driven by tables and by hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.challenge.delivery.circuit import Circuit, CircuitPolicy, Permit

START = datetime(2030, 1, 1, tzinfo=UTC)
POLICY = CircuitPolicy(threshold=3, first_pause=timedelta(seconds=5), longest_pause=timedelta(seconds=60))


def _opened(now: datetime = START) -> Circuit:
    circuit = Circuit()
    for _ in range(POLICY.threshold):
        circuit, permit = circuit.begin(now)
        circuit = circuit.failed(now, permit, POLICY)
    return circuit


def test_it_opens_at_the_threshold_and_not_before() -> None:
    circuit = Circuit()
    for _ in range(POLICY.threshold - 1):
        circuit = circuit.failed(START, Permit.NORMAL, POLICY)
        assert circuit.begin(START)[1] is Permit.NORMAL
    assert circuit.failed(START, Permit.NORMAL, POLICY).begin(START)[1] is Permit.NO


def test_a_success_between_failures_starts_the_count_anew() -> None:
    circuit = Circuit().failed(START, Permit.NORMAL, POLICY).failed(START, Permit.NORMAL, POLICY).succeeded()
    assert circuit.failed(START, Permit.NORMAL, POLICY).begin(START)[1] is Permit.NORMAL


def test_one_message_probes_at_a_time() -> None:
    due = START + POLICY.first_pause
    circuit, first = _opened().begin(due)
    assert (first, circuit.begin(due)[1]) == (Permit.PROBE, Permit.NO)


def test_a_probe_of_which_nobody_reports_is_followed_by_another() -> None:
    due = START + POLICY.first_pause
    circuit, _ = _opened().begin(due)
    assert circuit.begin(due + POLICY.first_pause)[1] is Permit.PROBE


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    circuit, now, pauses = _opened(), START, []
    for _ in range(6):
        pauses.append(circuit.pause.total_seconds())
        now += circuit.pause
        circuit, permit = circuit.begin(now)
        circuit = circuit.failed(now, permit, POLICY)
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_failures_that_were_under_way_when_it_opened_lengthen_nothing() -> None:
    circuit = _opened()
    assert circuit.failed(START, Permit.NORMAL, POLICY) == circuit


def test_a_success_closes_it() -> None:
    assert _opened().succeeded().begin(START) == (Circuit(), Permit.NORMAL)


@pytest.mark.parametrize(
    "change", [{"threshold": 0}, {"first_pause": timedelta(0)}, {"longest_pause": timedelta(seconds=1)}]
)
def test_a_policy_without_sense_is_refused(change: dict[str, int | timedelta]) -> None:
    with pytest.raises(ValueError, match="circuit"):
        CircuitPolicy(**change)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 90)), max_size=60))
def test_a_dead_provider_is_never_given_up_and_never_flooded(history: list[tuple[bool, int]]) -> None:
    circuit, now = Circuit(), START
    last_probe: datetime | None = None
    for works, seconds in history:
        now += timedelta(seconds=seconds)
        circuit, permit = circuit.begin(now)
        if permit is Permit.NO:
            assert circuit.probe_at is not None
            assert now < circuit.probe_at <= now + POLICY.longest_pause
            continue
        if permit is Permit.PROBE:
            assert last_probe is None or now - last_probe >= POLICY.first_pause
            last_probe = now
        circuit = circuit.succeeded() if works else circuit.failed(now, permit, POLICY)
        if works:
            last_probe = None
    assert circuit.begin(now + POLICY.longest_pause)[1] is not Permit.NO
