"""Learning by itself: where a household lives, told from who was where; the corners that examples show best."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.device_trust.domain.evidence import CROWDED, Level
from services.device_trust.domain.learning import failed_code
from services.device_trust.domain.records import Crowd, Standing
from tests.contract.device_trust.device_trust_lives import DAY, START, Life, network, seen

SOON = timedelta(minutes=5)


def test_a_phone_on_its_carrier_s_network_every_day_does_not_make_that_a_home() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(40))
    account.stay(seen("phone", kind="PHONE"), range(40), hour=1)
    account.stay(seen("phone", "carrier", kind="PHONE"), range(40), hour=3)
    assert account.homes() == {network("home")}
    assert account.standing(seen("stranger", "carrier", kind="PHONE"), 40) is Standing.UNCONFIRMED


def test_a_friend_who_dropped_in_once_does_not_make_his_own_place_a_home_nor_vouch_for_it() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(60))
    for day in range(40, 60):
        account.stay(seen("laptop", "home" if day == 45 else "friend", kind="COMPUTER"), (day,), hour=1)
        account.stay(seen("friend-tv", "friend"), (day,), hour=2)
    assert account.homes() == {network("home")}
    assert account.standing(seen("friend-tv", "friend"), 60) not in (Standing.HOUSEHOLD, Standing.TRAVELLING)


def test_a_television_at_a_second_place_from_the_beginning_is_no_proof_of_a_home_there() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(30))
    account.stay(seen("friend-tv", "friend"), range(30), hour=1)
    assert account.homes() == {network("home")}


def test_a_television_that_has_hardly_been_at_home_takes_no_home_along() -> None:
    account = Life().founded()
    account.stay(seen("living-room"), range(40))
    account.stay(seen("lent-tv"), (20,), hour=1)
    account.stay(seen("lent-tv", "friend"), range(21, 40), hour=1)
    assert account.homes() == {network("home")}


@pytest.mark.parametrize("crowd", [CROWDED, CROWDED + 1])
def test_the_home_moves_along_to_another_address_unless_a_crowd_shares_it(crowd: int) -> None:
    account = Life(crowds={"new": crowd}).founded()
    account.stay(seen("tv"), range(30))
    account.stay(seen("tv", "new"), range(30, 33))
    assert (network("new") in account.homes()) is (crowd <= CROWDED)


def test_the_first_home_of_an_account_met_midway_is_taken_back_where_another_place_is_used_more() -> None:
    account = Life()
    account.stay(seen("phone", "hotel", kind="PHONE"), (0,))
    account.stay(seen("tv"), range(1, 10))
    assert account.homes() == {network("home")}
    assert account.standing(seen("tv"), 20) is Standing.HOUSEHOLD
    assert account.evidence(seen("phone", "hotel", kind="PHONE"), 20).level is not Level.HOME


def test_an_account_is_watched_for_a_fortnight_and_one_that_was_made_before_our_eyes_is_not() -> None:
    met, made = Life(), Life().founded()
    stranger = seen("stranger", "elsewhere")
    for day in range(14):
        assert met.evidence(stranger, day).learning
        assert not made.evidence(stranger, day).learning
        until = met.assess(stranger, day).verdict.expire_time
        assert until is not None
        assert until > START + day * DAY
        assert made.assess(stranger, day).verdict.expire_time is None
        for account in (met, made):
            account.stay(seen("tv"), (day,))
    met.stay(seen("tv"), range(14, 30))
    assert not met.evidence(stranger, 30).learning
    assert met.assess(stranger, 30).verdict.expire_time is None


def test_members_stay_members_a_month_longer_for_each_day_at_home_up_to_a_limit() -> None:
    for days, until in ((1, 62), (2, 93), (30, 240)):
        account = Life().founded()
        account.stay(seen("tablet", kind="TABLET"), range(-days + 1, 1))
        away = seen("tablet", "away", kind="TABLET")
        assert account.evidence(away, until).member
        assert not account.evidence(away, until + 1).member


def test_a_founder_is_a_member_however_long_it_was_away() -> None:
    account = Life().founded()
    assert account.evidence(seen("founder", "away"), 2_000).member


def test_company_is_who_stays_and_not_who_was_at_home_on_the_same_day() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(40))
    account.stay(seen("laptop", kind="COMPUTER"), range(35), hour=1)
    account.stay(seen("laptop", "hotel", kind="COMPUTER"), (38, 39))
    account.stay(seen("other", kind="COMPUTER"), range(40), hour=1)
    account.stay(seen("other", "friend", kind="COMPUTER"), (38, 39), hour=3)
    hotel, friend = (account.facts(seen("screen", place), START + 40 * DAY) for place in ("hotel", "friend"))
    assert (hotel.evidence.company_age, friend.evidence.company_age) == (1, None)
    assert hotel.evidence.level is Level.COMPANY
    assert account.standing(seen("screen", "hotel"), 40) is Standing.TRAVELLING
    assert account.standing(seen("screen", "friend"), 40) is Standing.UNCONFIRMED
    # Nobody keeps company in a crowd.
    account.crowds = {"hotel": CROWDED + 1}
    account.stay(seen("laptop", "hotel", kind="COMPUTER"), (40,))
    assert account.evidence(seen("screen", "hotel"), 40).company_age is None


def test_two_countries_within_two_hours_are_noted_and_a_slow_journey_is_not() -> None:
    for hours, leapt in ((1, True), (3, False)):
        account = Life().founded()
        account.stay(seen("phone", kind="PHONE"), (5,))
        account.stay(seen("phone", "far", kind="PHONE", country="BR"), (5,), hour=hours)
        assert account.evidence(seen("phone", "far", kind="PHONE", country="BR"), 6).leap is leapt


def test_failed_codes_count_for_a_week() -> None:
    account = Life().founded()
    for _ in range(3):
        failed_code(account.history, START)
    assert account.evidence(seen("tv"), 6).failures == 3
    assert account.evidence(seen("tv"), 8).failures == 0


def test_profiles_tell_who_plays_where() -> None:
    account = Life().founded()
    account.stay(seen("tv", profile=7), range(5))
    told = [account.evidence(seen("tablet", "away", profile=profile), 5).profile.name for profile in (0, 7, 8)]
    assert told == ["UNKNOWN", "AT_HOME", "NEVER_AT_HOME"]


def test_a_home_network_that_a_crowd_shares_takes_two_days_there() -> None:
    account = Life(crowds={"home": CROWDED + 1}).founded()
    account.stay(seen("tv"), range(5))
    crowd = Crowd(network=CROWDED + 1)
    assert account.facts(seen("tv"), START + 5 * DAY, crowd).evidence.level is Level.HOME_SHARED
    assert account.facts(seen("stranger"), START + 5 * DAY, crowd).evidence.home_days == 0


def test_days_of_guests_are_given_back_when_their_device_comes_home() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(30))
    account.stay(seen("tablet", "elsewhere", kind="TABLET"), range(20, 25), hour=1)
    stranger = seen("stranger", "other")
    assert account.evidence(stranger, 30).guest_days_90 == 5
    account.stay(seen("tablet", kind="TABLET"), (29,), hour=1)
    assert account.evidence(stranger, 30).guest_days_90 == 0


def test_days_of_guests_are_remembered_for_a_year_and_not_longer() -> None:
    account = Life().founded()
    stranger, told = seen("stranger", "other"), {}
    for day in range(380):
        account.stay(seen("tv"), (day,))
        told[day] = account.evidence(stranger, day)
        if 1 <= day <= 10:
            account.stay(seen("friend-tv", "friend"), (day,), hour=1)
    assert [told[day].guest_days_90 for day in (11, 62, 63, 91, 101)] == [10, 10, 10, 10, 0]
    assert [told[day].guest_days_365 for day in (101, 366, 377)] == [10, 10, 0]


def test_a_home_whose_address_comes_to_lie_among_strangers_makes_members_of_none_of_them() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(30))
    account.stay(seen("phone", kind="PHONE"), range(30), hour=1)
    account.stay(seen("friend-tv", "street"), range(20, 30), hour=2)
    account.stay(seen("tv", "street"), range(30, 36))
    account.stay(seen("friend-tv", "street"), range(30, 36), hour=2)
    assert account.standing(seen("phone", "street", kind="PHONE"), 36) is Standing.HOUSEHOLD
    assert account.standing(seen("friend-tv", "street"), 36) not in (Standing.HOUSEHOLD, Standing.TRAVELLING)
    assert account.evidence(seen("friend-tv", "street"), 36).home_days == 0


def test_a_stranger_s_home_stays_no_longer_the_household_s_than_the_household_is_there() -> None:
    account = Life().founded()
    account.stay(seen("tv"), range(30))
    account.stay(seen("friend-tv", "street"), range(20, 30), hour=2)
    account.stay(seen("tv", "street"), (30,))
    account.stay(seen("tv", "avenue"), range(31, 50))
    account.stay(seen("friend-tv", "street"), range(31, 50), hour=2)
    assert account.homes() == {network("avenue")}
    assert account.standing(seen("visitor", "street"), 50) not in (Standing.HOUSEHOLD, Standing.TRAVELLING)
