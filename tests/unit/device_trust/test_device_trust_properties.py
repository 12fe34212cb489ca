"""Properties over whole lives of accounts: a day at home never harms, and guests never play beyond their days."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from libs.runtime.errors import ServiceError
from services.device_trust.domain.assessment import Assessment, assess
from services.device_trust.domain.confirmation import Purchase, confirm, defer
from services.device_trust.domain.facts import Facts
from services.device_trust.domain.model import default_model
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Client, ConfirmationBasis, Standing
from services.device_trust.domain.scoring import scorer
from services.device_trust.domain.standing import judge
from tests.contract.device_trust.device_trust_lives import CLOSENESS, DAY, START, Life, seen
from tests.contract.device_trust.device_trust_world import PINNED

SHIPPED: Final = scorer(default_model())
DEVICES: Final = {
    "living-room": "TV",
    "tv": "TV",
    "phone": "PHONE",
    "tablet": "TABLET",
    "friend-tv": "TV",
    "friend-phone": "PHONE",
}
PLACES: Final = {"home": "DE", "friend": "DE", "carrier": "DE", "hotel": "FR", "beach": "BR"}
STRANGERS: Final = sorted(DEVICES.keys() - {"living-room"})
LENGTH: Final = 75
"""Days of a generated life: longer than the window in which presence is known by day."""

Event = tuple[int, int, str, str]
"""Day, hour, device, place."""
events = st.tuples(
    st.integers(0, LENGTH), st.integers(0, 5), st.sampled_from(STRANGERS), st.sampled_from(sorted(PLACES))
)
stays = st.tuples(st.integers(0, LENGTH - 15), st.integers(1, 15), events).map(
    lambda parts: [(parts[0] + day, *parts[2][1:]) for day in range(parts[1])]
)
lives = st.lists(stays, max_size=8).map(lambda each: sorted({event for stay in each for event in stay}))


def at(event: Event) -> datetime:
    return START + event[0] * DAY + timedelta(hours=event[1])


def client_of(device: str, place: str) -> Client:
    return seen(device, place, kind=DEVICES[device], country=PLACES[place])


def lived(life: list[Event]) -> Life:
    """An account that was made at home, where a television plays on every other day."""
    account = Life(scorer=SHIPPED).founded(START - timedelta(hours=1))
    daily: list[Event] = [(day, 2, "living-room", "home") for day in range(0, LENGTH + 20, 2)]
    for event in sorted([*life, *daily]):
        account.see(client_of(*event[2:]), at(event))
    return account


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[list[Event], Event, str, int]:
    """A life, one more day at home of a device in it, and where and when that device is seen afterwards."""
    life = draw(lives)
    device = draw(st.sampled_from(STRANGERS))
    extra: Event = (draw(st.integers(0, LENGTH)), draw(st.integers(0, 5)), device, "home")
    return life, extra, draw(st.sampled_from(sorted(PLACES))), LENGTH + draw(st.integers(1, 20))


def before_and_after(compared: tuple[list[Event], Event, str, int]) -> tuple[Facts, Facts]:
    life, extra, place, day = compared
    client, now = client_of(extra[2], place), START + day * DAY
    return lived(life).facts(client, now), lived([*life, extra]).facts(client, now)


@given(comparisons())
def test_a_day_at_home_never_makes_a_device_less_of_the_household(
    compared: tuple[list[Event], Event, str, int],
) -> None:
    before, after = (CLOSENESS.index(judge(facts, PINNED).standing) for facts in before_and_after(compared))
    assert after >= before


# Two weeks elsewhere, one day of them at home as well: a day alone less was once held against it.
_FORTNIGHT: Final[list[Event]] = [
    (0, 0, "friend-phone", "beach"),
    (0, 0, "friend-phone", "home"),
    *((day, 0, "friend-phone", "beach") for day in range(14, 29)),
]

# The only day alone on a network, which went with it: fewer networks were held against the device.
_LAST_LONE_DAY: Final[list[Event]] = [
    *((day, 0, "friend-phone", "home") for day in (0, 1)),
    *((day, 0, "friend-phone", "beach") for day in range(16)),
]


@pytest.mark.parametrize("hypothesis", ["household", "outsider", "thief"])
@example((_FORTNIGHT, (15, 0, "friend-phone", "home"), "beach", 76))
@example((_LAST_LONE_DAY, (15, 0, "friend-phone", "home"), "beach", 76))
@given(comparisons())
def test_a_day_at_home_never_moves_a_score_away_from_the_household(
    hypothesis: str, compared: tuple[list[Event], Event, str, int]
) -> None:
    before, after = (getattr(facts.scoring.scores, hypothesis) for facts in before_and_after(compared))
    assert after >= before - 1e-9 if hypothesis == "household" else after <= before + 1e-9


class Relay:
    """Somebody elsewhere whose accomplice at home passes every code on, and who changes devices and networks at will.

    He plays whenever he may; asked, he puts it off where that is open, else he passes a code. The household plays at
    home every day, and was met on the day that the account was made.
    """

    def __init__(self, policy: Policy) -> None:
        self.life = Life(policy=policy, scorer=SHIPPED).founded()
        self.day = 0
        self.played: set[int] = set()

    def wait(self, days: int) -> None:
        """Days pass at home."""
        for _ in range(days):
            self.day += 1
            self.life.see(seen("living-room"), START + self.day * DAY - timedelta(hours=1))

    def sign_in(self, client: Client) -> None:
        """Only theft and a revocation stop a sign-in, and one that was let in is a sighting."""
        standing = self._assess(client).verdict.standing
        if standing not in (Standing.SUSPECT, Standing.REVOKED):
            self.life.see(client, self._now())

    def play(self, client: Client) -> None:
        """Play on if that may be, by whatever it takes."""
        for basis in (None, "defer", ConfirmationBasis.HOUSEHOLD_CODE, ConfirmationBasis.OWNER_CODE):
            if basis is not None:
                self._buy(client, basis)
            if may_play(self._assess(client), self._now()):
                self.life.see(client, self._now(), start=True)
                self.played.add(self.day)
                return

    def most_days_in(self, length: int) -> int:
        """On how many days he played at the most, of so many in a row."""
        return max((sum(first <= day < first + length for day in self.played) for first in self.played), default=0)

    def _now(self) -> datetime:
        return START + self.day * DAY

    def _assess(self, client: Client) -> Assessment:
        return assess(self.life.facts(client, self._now()), self.life.policy)

    def _buy(self, client: Client, basis: ConfirmationBasis | str) -> None:
        facts = self.life.facts(client, self._now())
        try:
            if isinstance(basis, ConfirmationBasis):
                purchase: Purchase = confirm(facts, basis, self.life.policy)
            else:
                purchase = defer(facts, self.life.policy)
        except ServiceError:
            return
        self.life.devices[client.device_id] = purchase.device
        if purchase.use is not None:
            self.life.uses.append((client.device_id, purchase.use))


def may_play(assessment: Assessment, now: datetime) -> bool:
    """What the gateway makes of a standing when a stream starts."""
    standing, until = assessment.verdict.standing, assessment.verdict.expire_time
    if standing in (Standing.HOUSEHOLD, Standing.TRAVELLING, Standing.GUEST):
        return True
    return standing is Standing.UNCONFIRMED and until is not None and until > now


relayed = st.tuples(
    st.integers(0, 2), st.sampled_from(["TV", "PHONE", "COMPUTER"]), st.integers(0, 40), st.integers(0, 40)
)
"""Days that pass, and then a device of a kind at a place, by their numbers."""
LONG: Final = replace(PINNED, tolerated_days=5, tolerated_days_account=12, guest_days_90=18, guest_days_365=45)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(relayed, min_size=100, max_size=300))
def test_a_relay_who_passes_every_code_and_swaps_devices_and_networks_plays_on_no_more_than_the_guests_days(
    visits: list[tuple[int, str, int, int]],
) -> None:
    """No day more than the policy says: what is bought or tolerated ends within the days left when it was given.

    The days left then include that very day, and those used before it are counted over the window that ends with it;
    so no later window holds more. Of the last day of 90 nothing is sold, as less than two days buy nothing.
    """
    relay = Relay(LONG)
    for days, kind, device, place in visits:
        relay.wait(days)
        relay.play(seen(f"{kind.lower()}-{device}", f"place-{place}", kind=kind))
    assert relay.most_days_in(90) <= LONG.guest_days_90
    assert relay.most_days_in(365) <= LONG.guest_days_365


@pytest.mark.parametrize("kind", ["TV", "PHONE"])
@pytest.mark.parametrize(
    ("devices", "places"),
    [(1, 1), (1, 400), (400, 1), (400, 400), (3, 2), (17, 17)],
    ids=["one place", "new places", "new devices", "all new", "a few", "some"],
)
def test_a_relay_who_plays_every_day_of_a_year_plays_on_no_more_than_the_guests_days(
    kind: str, devices: int, places: int
) -> None:
    relay = Relay(LONG)
    for day in range(366):
        relay.wait(1)
        relay.play(seen(f"device-{day % devices}", f"place-{day % places}", kind=kind))
    assert relay.played
    assert relay.most_days_in(90) <= LONG.guest_days_90
    assert relay.most_days_in(365) <= LONG.guest_days_365


@pytest.mark.parametrize(("devices", "places"), [(70, 1), (1, 70), (70, 70)], ids=["devices", "places", "both"])
def test_signing_in_with_many_devices_on_many_networks_wins_a_relay_no_days(devices: int, places: int) -> None:
    """What is kept of an account is bounded, but what makes room in it is not what was counted."""
    relay = Relay(LONG)
    for day in range(50):
        relay.wait(1)
        relay.play(seen("laptop", "den", kind="COMPUTER"))
        for number in range(70):
            device, place = f"{day}-{number % devices}", f"{day}-{number % places}"
            relay.sign_in(seen(f"new-{device}", "den" if places == 1 else f"place-{place}", kind="COMPUTER"))
    assert relay.most_days_in(90) <= LONG.guest_days_90
