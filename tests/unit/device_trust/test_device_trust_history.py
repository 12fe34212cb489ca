"""The history of an account: bounded whatever comes in, the same when read back, and a day is a day in any order."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.device_trust.domain.history import (
    LEDGER_DAYS,
    MAX_DEVICES,
    MAX_DEVICES_ON_NETWORK,
    MAX_NETWORKS,
    MAX_NEWCOMERS,
    MAX_PROFILES,
    WINDOW_DAYS,
    DeviceUse,
    History,
    Presence,
    day_mask,
    day_of,
    decode,
    encode,
    strong,
)
from services.device_trust.domain.learning import failed_code, observe
from services.device_trust.domain.records import Client, Standing
from tests.contract.device_trust.device_trust_lives import DAY, START, Life, network, seen
from tests.contract.device_trust.device_trust_world import PINNED

MOST_BYTES: Final = 64_000
"""The largest history, encoded: every slot filled, with ids as long as they may be."""
TODAY: Final = day_of(START)

days = st.integers(0, 200)
visits = st.tuples(days, st.integers(0, 23), st.integers(0, 90), st.integers(0, 90), st.integers(1, 20), st.booleans())
"""Day, hour, device, network, profile, and whether a stream began."""
KINDS: Final = ["TV", "PHONE", "TABLET", "COMPUTER", "CONSOLE", "SET_TOP_BOX"]


def client(device: int, place: int, profile: int, *, longest_id: bool = False) -> Client:
    return Client(
        device_id=f"device-{device}".ljust(128 if longest_id else 0, "x"),
        kind=KINDS[device % len(KINDS)],
        name="",
        platform="ANDROID_TV",
        network=network(f"{place}"),
        wide=f"{place % 7}".encode() * 8,
        v6=place % 2 == 1,
        country=["DE", "FR", None][place % 3],
        asn=[None, 64500 + place % 5][place % 2],
        profile=profile,
        key=bytes([profile]) * 8,
    )


def assert_bounded(history: History) -> None:
    assert len(history.networks) <= MAX_NETWORKS
    assert len(history.devices) <= MAX_DEVICES
    assert len(history.profiles) <= MAX_PROFILES
    assert len(history.newcomers) <= MAX_NEWCOMERS
    assert len(history.failures) <= MAX_NEWCOMERS
    assert len(history.guest_days) * 8 < LEDGER_DAYS + 8
    assert all(len(each.presence) <= MAX_DEVICES_ON_NETWORK for each in history.networks.values())
    assert all(len(each.profiles) <= MAX_PROFILES for each in history.devices.values())
    masks = [presence.days for each in history.networks.values() for presence in each.presence.values()]
    assert all(mask.bit_length() <= WINDOW_DAYS for mask in masks)


@settings(deadline=None)
@given(st.lists(visits, max_size=150), st.booleans())
def test_whatever_comes_in_the_history_stays_bounded_and_reads_back_as_it_was(
    came_in: list[tuple[int, int, int, int, int, bool]], founded: bool
) -> None:
    history = History(first_day=TODAY, founded=founded)
    for day, hour, device, place, profile, start in came_in:
        at = START + day * DAY + timedelta(hours=hour)
        observe(history, client(device, place, profile), at, PINNED, 1 + place, start=start)
        failed_code(history, at)
    assert_bounded(history)
    assert encode(decode(encode(history))) == encode(history)
    assert decode(encode(history)) == history


def test_the_largest_history_is_still_small() -> None:
    account = Life().founded()
    for day in range(70):
        for number in range(160):
            each = client(number, (number * 3 + day) % 100, number % 20 + 1, longest_id=True)
            observe(account.history, each, START + day * DAY, PINNED, 2, start=True)
    assert_bounded(account.history)
    assert len(account.history.networks) == MAX_NETWORKS
    assert len(account.history.devices) == MAX_DEVICES
    assert len(encode(account.history)) < MOST_BYTES


def test_a_home_is_not_forgotten_for_networks_that_were_passed_through() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(20))
    for number in range(3 * MAX_NETWORKS):
        at = START + 20 * DAY + number * timedelta(hours=1)
        observe(account.history, client(1, number, 1), at, PINNED, 1, start=False)
    assert network("home") in account.history.networks
    assert account.standing(seen("visitor"), 29) is Standing.HOUSEHOLD
    assert "founder" in account.history.devices


@given(st.lists(st.integers(0, WINDOW_DAYS - 1), min_size=1, max_size=80), st.randoms())
def test_days_marked_in_any_order_are_the_same_days(marked: list[int], random: st.DataObject) -> None:
    shuffled = sorted(marked, key=lambda _: random.random())  # type: ignore[attr-defined]  # Hypothesis' Random
    masks = []
    for order in (sorted(marked), shuffled):
        presence = Presence(last_day=TODAY + order[0])
        new = [presence.mark(TODAY + day) for day in order[1:]]
        assert sum(new) + 1 == len(set(marked))
        masks.append(presence.at(TODAY + WINDOW_DAYS - 1))
    assert masks[0] == masks[1] == sum(1 << (WINDOW_DAYS - 1 - day) for day in set(marked))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(0, 500))
def test_only_days_within_the_window_are_known_and_none_of_the_future(marked: list[int], today: int) -> None:
    presence = Presence(last_day=marked[0])
    for day in marked[1:]:
        presence.mark(day)
    kept = {today - ago for ago in range(WINDOW_DAYS) if presence.at(today) >> ago & 1}
    assert kept <= set(marked)
    # The window reaches back from the latest day that was marked.
    in_window = {day for day in marked if today - WINDOW_DAYS < day <= today and day > max(marked) - WINDOW_DAYS}
    assert kept >= {day for day in in_window if day >= max(marked) - WINDOW_DAYS + 1}


@given(st.sets(st.integers(0, LEDGER_DAYS - 1)), st.integers(0, 500))
def test_the_ledger_ages_by_a_day_a_day_and_ends_after_a_year(used: set[int], later: int) -> None:
    kept = sum(1 << ago for ago in used).to_bytes((LEDGER_DAYS + 7) // 8, "little").rstrip(b"\0")
    mask = day_mask(TODAY, kept, TODAY + later)
    assert {ago for ago in range(LEDGER_DAYS + 8) if mask >> ago & 1} == {
        ago + later for ago in used if ago + later < LEDGER_DAYS
    }


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x90", encode(History(first_day=1))[:-1], b"\x91\xa1x"])
def test_what_is_no_history_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(data)


def test_an_older_history_with_fewer_fields_is_read() -> None:
    assert decode(msgspec.msgpack.encode([TODAY, True])) == History(first_day=TODAY, founded=True)


@pytest.mark.parametrize(
    ("home_days", "active_days", "founder", "expected"),
    [(0, 5, False, False), (1, 200, True, True), (2, 2, False, False), (30, 40, False, True), (5, 200, False, False)],
    ids=["never at home", "the account was made on it", "twice", "lives there", "drops in now and then"],
)
def test_a_device_vouches_for_others_only_when_its_own_home_is_beyond_doubt(
    home_days: int, active_days: int, founder: bool, expected: bool
) -> None:
    device = DeviceUse(
        kind="TV",
        platform="TIZEN",
        seen=Presence(last_day=TODAY),
        home_days=home_days,
        active_days=active_days,
        founder=founder,
    )
    assert strong(device) is expected
