"""The password meter: what it says, and that nothing it is asked holds the service up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.strength import Suggestion, Warning
from services.identity.meter import Meter

SLOWEST = "abcdlove4321abcdl1!|@4({[<3|1!0$5+7%pass" * 6
"""What zxcvbn reads in very many ways."""


@pytest_asyncio.fixture
async def meter() -> AsyncIterator[Meter]:
    """A meter with all the time it wants."""
    made = Meter(longest=30)
    yield made
    await made.close()


async def test_it_tells_weak_from_strong_and_says_why(meter: Meter) -> None:
    weak = await meter.measure("password2024", [])
    assert weak.score <= 1
    assert weak.warning is Warning.NEARLY_COMMON
    assert Suggestion.ANOTHER_WORD in weak.suggestions
    strong = await meter.measure("kangaroo tells the plumber nothing", [])
    assert (strong.score, strong.warning, strong.suggestions) == (4, None, ())
    assert strong.guesses_log10 > weak.guesses_log10 + 5


async def test_words_that_stand_around_it_make_a_password_weaker(meter: Meter) -> None:
    stranger = await meter.measure("lovelacekensington", [])
    her_own = await meter.measure("lovelacekensington", ["lovelace", "kensington"])
    assert her_own.guesses_log10 < stranger.guesses_log10


@pytest.mark.parametrize("text", [SLOWEST, "\x00\n\t", "🐕" * 256, "a" * 256, '"\\', "\u202eabc", "é" * 256])
async def test_whatever_it_is_asked_it_answers_and_goes_on(meter: Meter, text: str) -> None:
    assert 0 <= (await meter.measure(text, [text, "ada"])).score <= 4
    assert (await meter.measure("password", [])).score == 0


async def test_one_that_takes_too_long_is_given_up_and_the_next_is_answered_rightly() -> None:
    meter = Meter(longest=0.0)
    try:
        with pytest.raises(ServiceError) as caught:
            await meter.measure(SLOWEST, [])
        assert caught.value.reason is ErrorReason.OVERLOADED
        meter._longest = 30
        assert (await meter.measure("password", [])).score == 0
    finally:
        await meter.close()


async def test_an_answer_to_somebody_who_left_is_not_given_to_the_next(meter: Meter) -> None:
    await meter.measure("password", [])
    gone = asyncio.create_task(meter.measure("kangaroo tells the plumber nothing", []))
    # It has its turn, and what was asked is on its way.
    await asyncio.sleep(0)
    assert meter._turn.locked()
    gone.cancel()
    await asyncio.wait([gone])
    assert (await meter.measure("password", [])).score == 0


async def test_beyond_its_places_a_question_is_shed_at_once(meter: Meter) -> None:
    asked = [asyncio.create_task(meter.measure("password", [])) for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    shed = [each for each in answers if isinstance(each, ServiceError)]
    assert len(shed) == 11
    assert {each.reason for each in shed} == {ErrorReason.OVERLOADED}
    assert shed[0].retry_after


async def test_a_meter_that_was_killed_starts_anew(meter: Meter) -> None:
    await meter.measure("password", [])
    process = meter._process
    assert process is not None
    process.kill()
    await process.wait()
    with pytest.raises(ServiceError):
        await meter.measure("password", [])
    assert (await meter.measure("password", [])).score == 0
