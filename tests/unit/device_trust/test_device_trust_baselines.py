"""The baselines that stand beside the engine: what each asks, and what a passed code changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.device_trust.domain.records import Standing
from services.device_trust.replay.records import ANSWERED, Answer, Event, Judge, Outcome, Record
from services.device_trust.simulation.baselines import BASELINES
from services.device_trust.simulation.baselines.addresses import IpEquality
from services.device_trust.simulation.baselines.centroids import miles_between
from services.device_trust.simulation.baselines.codes import AlwaysCode
from services.device_trust.simulation.baselines.freeman import Freeman
from services.device_trust.simulation.baselines.speed import ImpossibleSpeed, shortest_travel

START: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOME: Final = "192.0.2.1"
AWAY: Final = "198.51.100.7"


def record(days: float = 0, event: Event = Event.START, device: str = "tv", **changes: Any) -> Record:
    values: dict[str, Any] = {
        "account": "a",
        "device_kind": "TV",
        "device_platform": "ANDROID_TV",
        "ip": HOME,
        "asn": 64500,
        "country": "DE",
    }
    return Record(time=START + timedelta(days=days), device_id=device, event=event, **(values | changes))


def said(judge: Judge, line: Record) -> Answer:
    answer = judge.handle(line)
    assert answer is not None
    return answer


def asked(judge: Judge, line: Record) -> bool:
    return not said(judge, line).outcome.allows


def passed(judge: Judge, line: Record) -> None:
    assert judge.handle(replace(line, event=Event.CODE_PASSED)) is None


LINES: Final = st.lists(
    st.builds(
        record,
        st.just(0),
        st.sampled_from(Event),
        st.sampled_from(["tv", "phone", "laptop"]),
        account=st.sampled_from(["a", "b"]),
        ip=st.sampled_from([HOME, AWAY]),
        asn=st.sampled_from([None, 64500, 64501]),
        country=st.sampled_from([None, "DE", "US", "XX"]),
    ),
    max_size=30,
)


@pytest.mark.parametrize("name", BASELINES)
@given(lines=LINES)
def test_every_baseline_answers_sign_ins_and_starts_alone_and_scores_the_thief(name: str, lines: list[Record]) -> None:
    judge = BASELINES[name]()
    for minute, line in enumerate(lines):
        answer = judge.handle(replace(line, time=START + timedelta(minutes=minute)))
        assert (answer is not None) == (line.event in ANSWERED)
        if answer is None:
            continue
        assert answer.outcome in (Outcome.ALLOWED, Outcome.VERIFICATION_REQUIRED)
        assert (answer.standing is Standing.HOUSEHOLD) == answer.outcome.allows
        assert answer.scores.thief is not None
        assert 0 <= answer.scores.thief <= 1


@pytest.mark.parametrize("name", BASELINES)
def test_the_first_device_of_an_account_founds_it(name: str) -> None:
    judge = BASELINES[name]()
    assert not asked(judge, record(event=Event.SIGN_IN))
    assert not asked(judge, record(1))


@pytest.mark.parametrize("name", BASELINES)
def test_a_passed_code_lets_the_device_go_on_at_once(name: str) -> None:
    judge = BASELINES[name]()
    for day in range(3):
        said(judge, record(day, Event.SIGN_IN))
        said(judge, record(day, Event.SIGN_IN, account="b", ip=AWAY, country="US", device_kind="PHONE"))
    far = record(2.01, Event.SIGN_IN, "phone", ip=AWAY, asn=64501, country="US", device_kind="PHONE")
    assert asked(judge, far)
    passed(judge, far)
    assert not asked(judge, replace(far, event=Event.START))


def test_a_code_is_asked_of_each_new_device_for_ever_and_once_passed_never_again() -> None:
    judge = AlwaysCode()
    said(judge, record())
    phone = record(1, device="phone")
    assert asked(judge, phone)
    assert asked(judge, replace(phone, time=START + timedelta(days=400)))
    passed(judge, phone)
    assert not asked(judge, record(2000, device="phone", ip=AWAY))


def test_a_code_passed_on_one_account_is_none_on_another() -> None:
    judge = AlwaysCode()
    for account in ("a", "b"):
        said(judge, record(account=account))
    passed(judge, record(1, device="phone"))
    assert asked(judge, record(2, device="phone", account="b"))


def test_a_failed_code_gives_no_trust() -> None:
    judge = AlwaysCode()
    said(judge, record())
    judge.handle(record(1, Event.CODE_FAILED, "phone"))
    assert asked(judge, record(1, device="phone"))


def test_the_score_of_a_rule_is_one_or_nothing() -> None:
    judge = AlwaysCode()
    assert said(judge, record()).scores.thief == 0
    assert said(judge, record(device="phone")).scores.thief == 1


def test_an_address_is_trusted_for_31_days_after_its_last_use() -> None:
    judge = IpEquality()
    said(judge, record())
    assert not asked(judge, record(31, device="phone"))
    assert not asked(judge, record(62, device="phone"))
    assert asked(judge, record(93.1, device="phone"))


def test_another_address_is_asked_however_near_and_a_code_trusts_it_for_all_devices() -> None:
    judge = IpEquality()
    said(judge, record())
    near = record(1, device="phone", ip="192.0.2.2")
    assert asked(judge, near)
    passed(judge, near)
    assert not asked(judge, record(2, device="laptop", ip="192.0.2.2"))
    assert asked(judge, record(34, device="laptop", ip="192.0.2.2"))


def test_wherever_the_first_device_plays_is_the_household() -> None:
    judge = IpEquality()
    said(judge, record())
    assert not asked(judge, record(40, ip=AWAY))
    assert not asked(judge, record(41, device="phone", ip=AWAY))


def test_a_heartbeat_keeps_an_address_trusted_and_being_asked_does_not() -> None:
    judge = IpEquality()
    said(judge, record())
    judge.handle(record(30, Event.HEARTBEAT))
    assert not asked(judge, record(60, device="phone"))
    assert asked(judge, record(61, device="phone", ip=AWAY))
    assert asked(judge, record(62, device="phone", ip=AWAY))


def test_speed_allows_what_could_be_travelled() -> None:
    hours = miles_between("DE", "US") / 400
    judge = ImpossibleSpeed()
    said(judge, record())
    assert asked(judge, record((hours - 0.1) / 24, device="phone", country="US"))
    assert not asked(judge, record((hours + 0.1) / 24, device="phone", country="US"))


def test_two_operators_of_a_country_are_half_an_hour_apart_and_the_unknown_is_near() -> None:
    assert shortest_travel(("DE", 1), ("DE", 2)) == timedelta(hours=60 / 124)
    assert shortest_travel(("DE", 1), ("DE", 1)) == timedelta(0)
    assert shortest_travel(("DE", 1), (None, None)) == timedelta(0)
    assert shortest_travel((None, 1), (None, 2)) == timedelta(hours=60 / 124)


def test_the_later_device_is_flagged_and_not_the_one_that_was_there_before() -> None:
    judge = ImpossibleSpeed()
    said(judge, record())
    assert asked(judge, record(0.01, device="phone", country="US"))
    assert not asked(judge, record(0.02))


def test_one_device_alone_is_never_too_fast() -> None:
    judge = ImpossibleSpeed()
    said(judge, record())
    assert not asked(judge, record(0.01, country="US"))


def test_heartbeats_hold_a_place() -> None:
    judge = ImpossibleSpeed()
    said(judge, record())
    judge.handle(record(10, Event.HEARTBEAT))
    assert asked(judge, record(10.01, device="phone", country="US"))


def test_a_code_clears_a_device_at_one_place() -> None:
    judge = ImpossibleSpeed()
    said(judge, record())
    phone = record(0.01, device="phone", country="US")
    passed(judge, phone)
    assert not asked(judge, phone)
    assert asked(judge, replace(phone, country="JP"))


def test_miles_between_countries_are_about_right() -> None:
    assert miles_between("DE", "DE") == 0
    assert miles_between("DE", "FR") == pytest.approx(480, abs=50)
    assert miles_between("DE", "US") == miles_between("US", "DE") == pytest.approx(4900, rel=0.05)
    assert miles_between("DE", "XX") == 1000


def test_freeman_scores_by_hand() -> None:
    judge = Freeman(threshold=1)
    for _ in range(2):
        said(judge, record(event=Event.SIGN_IN))
    said(judge, record(event=Event.SIGN_IN, account="b", ip=AWAY, device_kind="PHONE", device_platform="IOS"))
    # Network: 2/3 of all against all of its own; device likewise; 3 sign-ins over 2 accounts with 2 of its own.
    ratio = (2 / 3 * 0.6 + 0.3 + 0.1) * (2 / 3) * 3 / (2 * 2)
    assert said(judge, record(event=Event.SIGN_IN)).scores.thief == pytest.approx(ratio / (1 + ratio))


def test_freeman_knows_the_operator_of_a_new_address() -> None:
    scores = []
    for changes in ({}, {"ip": AWAY}, {"ip": AWAY, "asn": 64501}, {"ip": AWAY, "asn": 64501, "country": "US"}):
        judge = Freeman(threshold=1)
        for day in range(5):
            said(judge, record(day, Event.SIGN_IN))
            said(judge, record(day, Event.SIGN_IN, account="b", ip="203.0.113.9", asn=64501, country="US"))
        score = said(judge, record(6, Event.SIGN_IN, "new", **changes)).scores.thief
        assert score is not None
        scores.append(score)
    assert scores == sorted(scores)
    assert len(set(scores)) == 4


def test_freeman_judges_sign_ins_and_learns_only_from_those_that_succeed() -> None:
    judge = Freeman(threshold=0.7)
    for day in range(3):
        said(judge, record(day, Event.SIGN_IN))
        said(judge, record(day, Event.SIGN_IN, account="b", ip=AWAY, country="US", device_kind="PHONE"))
    strange = record(4, Event.SIGN_IN, "x", ip=AWAY, asn=64501, country="US", device_kind="PHONE")
    first, second = said(judge, strange), said(judge, strange)
    assert first.scores == second.scores
    assert asked(judge, replace(strange, event=Event.START))
    passed(judge, strange)
    assert not asked(judge, replace(strange, event=Event.START))
    after = said(judge, strange).scores.thief
    assert after is not None
    assert first.scores.thief is not None
    assert after < first.scores.thief


def test_freeman_answers_a_start_as_its_devices_last_sign_in() -> None:
    judge = Freeman()
    answer = said(judge, record(event=Event.SIGN_IN))
    assert said(judge, record(9, ip=AWAY, country="US")).scores == answer.scores
