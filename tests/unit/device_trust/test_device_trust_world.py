"""The simulated world: its people live, move, share and steal in order of time, and react to what they are answered."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest

from services.device_trust.domain.records import Standing
from services.device_trust.replay.records import ANSWERED, Answer, AnswerScores, Event, Label, Outcome, Record
from services.device_trust.simulation.parameters import (
    DEFAULT_PATH,
    Parameters,
    ParametersError,
    load_parameters,
    parse_parameters,
)
from services.device_trust.simulation.world import World
from services.device_trust.simulation.world.addresses import Registry
from services.device_trust.simulation.world.places import HomeLine, PlaceKind

Lines = list[tuple[Record, Answer | None]]
Rule = Callable[[Record], tuple[Outcome, bool, bool]]


class RuleJudge:
    """Answers by a rule: the outcome, whether "later" may be chosen, and whether a code is taken."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def handle(self, record: Record) -> Answer | None:
        """Answer as the engine would, without scores."""
        if record.event not in ANSWERED:
            return None
        outcome, can_defer, can_use_code = self.rule(record)
        return Answer(
            time=record.time,
            account=record.account,
            device_id=record.device_id,
            event=record.event,
            outcome=outcome,
            standing=Standing.UNCONFIRMED,
            scores=AnswerScores(),
            can_defer=can_defer,
            can_use_code=can_use_code,
        )


def allow_all(record: Record) -> tuple[Outcome, bool, bool]:
    """Everybody plays."""
    del record
    return Outcome.ALLOWED, False, False


def at_random(seed: int) -> Rule:
    """Any answer that an engine could give, the same in every run."""
    rng = Random(seed)

    def rule(record: Record) -> tuple[Outcome, bool, bool]:
        del record
        return rng.choice(list(Outcome)), rng.random() < 0.4, rng.random() < 0.6

    return rule


def lines(rule: Rule, *, seed: int = 3, accounts: int = 30, days: int = 120, use: Any = "report") -> Lines:
    """All records of a world with their answers."""
    world = World(load_parameters(), seed=seed, use=use, accounts=accounts, days=days)
    return list(world.records_and_answers(RuleJudge(rule)))


@cache
def allowed_year() -> tuple[World, list[Record]]:
    """A year in which all may play, made once."""
    world = World(load_parameters(), seed=5, use="development", accounts=60, days=365)
    return world, [record for record, _ in world.records_and_answers(RuleJudge(allow_all))]


def values() -> dict[str, Any]:
    """The default file's tables, to change one."""
    return tomllib.loads(DEFAULT_PATH.read_text(encoding="utf-8"))


def test_the_same_seed_and_the_same_answers_give_the_same_records() -> None:
    assert lines(at_random(1)) == lines(at_random(1))


def test_another_seed_or_use_gives_other_accounts() -> None:
    named = [{record.account for record, _ in lines(allow_all, days=3, seed=seed)} for seed in (1, 2)]
    named.append({record.account for record, _ in lines(allow_all, days=3, seed=1, use="development")})
    assert len(set().union(*named)) == sum(map(len, named)) == 90


@pytest.mark.parametrize("offset", [-12.0, 1.0, 14.0])
def test_records_come_in_the_order_of_time_whatever_is_answered(offset: float) -> None:
    changed = values()
    changed["calendar"]["timezone_offset_hours"] = offset
    world = World(parse_parameters(changed), seed=8, use="report", accounts=20, days=150)
    records = [record for record, _ in world.records_and_answers(RuleJudge(at_random(7)))]
    times = [record.time for record in records]
    assert times == sorted(times)
    assert times[0] >= load_parameters().calendar.start
    assert {record.label for record in records} == set(Label)


def test_a_stream_that_was_refused_has_no_heartbeat_and_no_stop() -> None:
    may_play: dict[tuple[str, str], bool] = {}
    seen: Counter[Event] = Counter()
    for record, answer in lines(at_random(2)):
        device = (record.account, record.device_id)
        seen[record.event] += 1
        if record.event is Event.START:
            assert answer is not None
            may_play[device] = answer.outcome.allows
        elif record.event in (Event.HEARTBEAT, Event.STOP):
            assert may_play[device]
    assert set(seen) == set(Event)


def test_a_code_or_a_deferral_follows_only_an_answer_that_offers_it() -> None:
    last: dict[tuple[str, str], Answer] = {}
    for record, answer in lines(at_random(3)):
        device = (record.account, record.device_id)
        if answer is not None:
            last[device] = answer
        elif record.event in (Event.CODE_PASSED, Event.CODE_FAILED):
            assert last[device].can_use_code
            assert not last[device].outcome.allows
        elif record.event is Event.DEFERRED:
            assert last[device].can_defer
            assert not last[device].outcome.allows


def test_households_mostly_have_the_code_and_thieves_never_do() -> None:
    asked = lines(lambda _: (Outcome.VERIFICATION_REQUIRED, False, True), days=150)
    codes = Counter((record.label, record.event) for record, _ in asked)
    assert codes[Label.HOUSEHOLD, Event.CODE_PASSED] > 5 * codes[Label.HOUSEHOLD, Event.CODE_FAILED]
    assert codes[Label.THIEF, Event.CODE_FAILED] > 0
    assert codes[Label.THIEF, Event.CODE_PASSED] == 0


def test_a_relay_passes_every_code_and_tries_for_the_whole_year() -> None:
    changed = values()
    changed["mix"] |= {
        "outsider_share": 1.0,
        "relay_share_of_outsiders": 1.0,
        "launderer_share_of_outsiders": 0.0,
        "thief_share": 0.0,
    }
    world = World(parse_parameters(changed), seed=4, use="report", accounts=6, days=440)
    refuse_outsiders = RuleJudge(
        lambda record: (
            (Outcome.VERIFICATION_REQUIRED, False, True) if record.label is Label.OUTSIDER else allow_all(record)
        )
    )
    start = load_parameters().calendar.start
    days: dict[str, list[int]] = defaultdict(list)
    events: Counter[Event] = Counter()
    for record, _ in world.records_and_answers(refuse_outsiders):
        if record.label is Label.OUTSIDER:
            assert world.actor_of[record.account, record.device_id].startswith("relay")
            events[record.event] += 1
            days[record.account].append((record.time - start).days)
    assert len(days) == 6
    for tried in days.values():
        assert 45 <= tried[0] <= 75
        assert tried[-1] >= 437
        assert len(set(tried)) > 300
    # Each try is a start, a code and another start; each sign-in takes a code of its own.
    assert events[Event.CODE_PASSED] == pytest.approx(events[Event.START] / 2 + events[Event.SIGN_IN], rel=0.02)


def test_refused_outsiders_without_a_way_in_give_up_or_try_less() -> None:
    def outsider_starts(rule: Rule) -> int:
        tried = lines(rule, accounts=40, days=250)
        friends = [record for record, _ in tried if record.label is Label.OUTSIDER]
        return sum(record.event in ANSWERED for record in friends)

    refused = outsider_starts(lambda record: (Outcome.DENIED, False, False))
    assert 0 < refused < outsider_starts(allow_all)


def test_labels_actors_and_first_places_agree() -> None:
    world, records = allowed_year()
    parameters = load_parameters()
    families: dict[Label, Any] = {
        Label.HOUSEHOLD: parameters.households,
        Label.OUTSIDER: parameters.outsiders,
        Label.THIEF: parameters.thieves,
    }
    for record in records:
        device = (record.account, record.device_id)
        assert record.label is not None
        assert families[record.label][world.actor_of[device]].use == "development"
        if record.label is Label.HOUSEHOLD:
            assert world.actor_of[device] == world.persona_of[record.account]
        else:
            assert world.first_place_of[device] in (PlaceKind.OUTSIDE, PlaceKind.HOME)
    assert world.very_targeted < set(parameters.thieves)
    assert {record.label for record in records} == set(Label)


def test_every_device_signs_in_before_anything_else() -> None:
    seen = set()
    for record in allowed_year()[1]:
        device = (record.account, record.device_id)
        assert device in seen or record.event is Event.SIGN_IN
        seen.add(device)


def test_households_start_two_to_four_streams_a_day() -> None:
    _, records = allowed_year()
    starts = sum(record.event is Event.START and record.label is Label.HOUSEHOLD for record in records)
    assert 2 <= starts / 60 / 365 <= 4


def test_a_median_household_reaches_39_sign_ins_in_five_to_nine_months() -> None:
    _, records = allowed_year()
    start = load_parameters().calendar.start
    days: dict[str, list[int]] = defaultdict(list)
    for record in records:
        if record.event is Event.SIGN_IN and record.label is Label.HOUSEHOLD:
            days[record.account].append((record.time - start).days)
    assert 150 <= median(seen[38] if len(seen) > 38 else 1000 for seen in days.values()) <= 275


def test_a_household_gets_about_half_a_new_device_id_a_month_most_of_them_at_home() -> None:
    world, records = allowed_year()
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        if record.label is Label.HOUSEHOLD:
            first.setdefault((record.account, record.device_id), record)
    start = load_parameters().calendar.start
    new = [device for device, record in first.items() if (record.time - start).days >= 10]
    assert 0.35 <= len(new) / 60 / (355 / 30) <= 0.65
    at_home = sum(world.first_place_of[device] == PlaceKind.HOME for device in new)
    assert 0.6 <= at_home / len(new) <= 0.9


def test_over_a_fifth_of_the_homes_change_their_address_in_a_month() -> None:
    registry = Registry()
    pool, nat = (registry.pool(asn=65_536, country="DE", size=size) for size in (50, 3))
    networks = load_parameters().networks.model_copy(update={"home_behind_carrier_nat_share": 0.0})
    changed = 0
    for seed in range(1_000):
        line = HomeLine(pool=pool, nat=nat, networks=networks, seed=seed, kind=PlaceKind.HOME)
        changed += line.address(0, None) != line.address(30 * 86_400, None)
    assert 0.2 < changed / 1_000 < 0.45


def test_networks_are_shared_between_accounts() -> None:
    """Carriers, offices and the dense prefixes of homes: most /24s that are met often belong to several accounts."""
    accounts: dict[str, set[str]] = defaultdict(set)
    for record in allowed_year()[1]:
        accounts[record.ip.rpartition(".")[0]].add(record.account)
    assert sum(len(shared) >= 3 for shared in accounts.values()) > 20


def test_what_a_household_plans_does_not_depend_on_thieves_and_outsiders() -> None:
    def households(**mix: float) -> list[tuple[Any, ...]]:
        changed = values()
        changed["mix"] |= mix
        world = World(parse_parameters(changed), seed=6, use="report", accounts=12, days=120)
        told = (record for record, _ in world.records_and_answers(RuleJudge(allow_all)))
        return [(r.time, r.device_id, r.event) for r in told if r.label is Label.HOUSEHOLD]

    assert households(thief_share=0.0, outsider_share=0.0) == households(thief_share=1.0, outsider_share=1.0)


def test_progress_and_answers_are_told() -> None:
    world = World(load_parameters(), seed=1, use="report", accounts=3, days=5)
    shares: list[float] = []
    answers: list[Answer] = []
    world.run(RuleJudge(allow_all), lambda _, answer: answers.append(answer), shares.append)
    assert shares[-1] == 1.0
    assert answers


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        ("mix", "thief_rate", 0.5, "mix.thief_rate: unknown key"),
        ("mix", "thief_share", 1.5, "mix.thief_share: "),
        ("streams", "minutes", [60, 20], "streams.minutes: a span runs from the lower"),
        ("calendar", "start", "yesterday", "calendar.start: "),
    ],
)
def test_a_wrong_parameter_is_named(table: str, key: str, value: Any, message: str) -> None:
    changed = values()
    changed[table][key] = value
    with pytest.raises(ParametersError, match=message.replace(".", r"\.")):
        parse_parameters(changed)


def test_a_family_of_an_unknown_manner_is_named() -> None:
    changed = values()
    changed["thieves"]["mass_cloud"]["manner"] = "polite"
    with pytest.raises(ParametersError, match=r"thieves\.mass_cloud\.manner: no manner is named 'polite'"):
        parse_parameters(changed)


def test_a_seed_serves_either_development_or_the_report() -> None:
    with pytest.raises(ParametersError, match=r"report_seeds: \[11\]"):
        parse_parameters(values() | {"report_seeds": [11, 12345]})


def test_every_archetype_has_a_family_for_each_use() -> None:
    parameters: Parameters = load_parameters()
    uses = Counter(family.archetype for family in parameters.households.values())
    assert set(uses.values()) == {2}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[mix", encoding="utf-8")
    for path in (broken, tmp_path / "missing.toml"):
        with pytest.raises(ParametersError, match=path.name):
            load_parameters(path)
