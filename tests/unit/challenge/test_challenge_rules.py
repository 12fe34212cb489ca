"""The challenge service's rules: destinations, codes, retries, verification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.errors import ServiceError
from libs.runtime.keys import OpenError, SealingKeys
from services.challenge.domain.challenge import Challenge, ChallengeState, Channel, Purpose, Requester, SpentGuess
from services.challenge.domain.codes import CodeKeys, SecretRandomness
from services.challenge.domain.destinations import parse_destination
from services.challenge.domain.policy import Limit, RetryPolicy
from services.challenge.domain.verification import VerificationResult, concerns, result_of_guess, without_guess

_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_RETRIES = RetryPolicy(
    first_delay=timedelta(seconds=1),
    longest_delay_of_codes=timedelta(minutes=1),
    longest_delay_of_notices=timedelta(hours=1),
    max_attempts=50,
)


def a_challenge(**changes: object) -> Challenge:
    """A pending code challenge of a television, with changes."""
    fields: dict[str, object] = {
        "account_id": UUID(int=1),
        "challenge_id": UUID(int=2),
        "purpose": Purpose.CONFIRM_HOUSEHOLD,
        "channel": Channel.EMAIL,
        "state": ChallengeState.PENDING,
        "requester": Requester(
            device_id="tv", device_kind="tv", device_platform="tizen", device_name="", country_code="ES"
        ),
        "language": "",
        "masked_destination": "",
        "destination_hash": None,
        "match_number": "",
        "sealed_code": None,
        "attempts_left": 5,
        "create_time": _NOW,
        "expire_time": _NOW + timedelta(minutes=10),
    }
    return Challenge(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize(
    ("channel", "text", "masked"),
    [
        (Channel.EMAIL, "olive@mailbox.example", "o•••@m•••.example"),
        (Channel.EMAIL, "o@a.b.co.uk", "o•••@a•••.uk"),
        (Channel.EMAIL, "root@localhost", "r•••@l•••"),
        (Channel.EMAIL, "söl@bücher.example", "s•••@b•••.example"),
        (Channel.TEXT, "+491701234567", "•••67"),
    ],
)
def test_a_destination_is_shown_with_most_of_it_hidden(channel: Channel, text: str, masked: str) -> None:
    destination = parse_destination(channel, text)
    assert destination.masked == masked
    assert text not in repr(destination)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "olive",
        "@mailbox.example",
        "olive@",
        "olive@two@mailbox.example",
        "olive@mailbox.example\r\nBcc: all@x.example",
        "olive@mailbox.example\n",
        "ol ive@mailbox.example",
        "Olive <olive@mailbox.example>",
        "olive@mailbox.example,other@x.example",
        "olive@mail..example",
        "olive@-mail.example",
        "olive@mailbox.example\u202e",
        "ol\x00ive@mailbox.example",
        "\ud800@mailbox.example",
        "a" * 65 + "@mailbox.example",
        "a@" + "b" * 250 + ".example",
    ],
)
def test_what_is_no_email_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ServiceError) as caught:
        parse_destination(Channel.EMAIL, text)
    assert [each.field for each in caught.value.fields] == ["destination"]
    assert len(text) < 4 or text not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "0170123456", "+0170123456", "+49 170 123456", "+12345678901234567", "+49\n1701234"]
)
def test_what_is_no_e164_number_is_refused(text: str) -> None:
    with pytest.raises(ServiceError):
        parse_destination(Channel.TEXT, text)


@given(st.text(max_size=300))
def test_any_text_is_either_a_safe_address_or_refused(text: str) -> None:
    try:
        destination = parse_destination(Channel.EMAIL, text)
    except ServiceError:
        return
    assert destination.masked.count("@") == text.count("@") == 1
    assert not any(ord(character) < 32 for character in text)


@given(st.integers(min_value=2, max_value=8))
def test_a_code_has_its_digits_leading_zeros_included(count: int) -> None:
    code = SecretRandomness().digits(count)
    assert len(code) == count
    assert code.isdecimal()


def test_a_code_is_bound_to_its_challenge_and_a_sealed_one_opens_for_it_alone() -> None:
    keys = CodeKeys(b"p" * 32, SealingKeys([b"s" * 32]))
    account, challenge, other = uuid4(), uuid4(), uuid4()
    assert keys.code_hash(challenge, "123456") == keys.code_hash(challenge, "123456")
    assert keys.code_hash(challenge, "123456") != keys.code_hash(other, "123456")
    sealed = keys.seal_code(account, challenge, "123456")
    assert keys.open_code(account, challenge, sealed) == "123456"
    for stranger in ((other, challenge), (account, other)):
        with pytest.raises(OpenError):
            keys.open_code(*stranger, sealed)
    with pytest.raises(OpenError):
        keys.open_destination(account, challenge, sealed)


def test_another_pepper_makes_other_hashes() -> None:
    one, two = (CodeKeys(pepper * 32, SealingKeys([b"s" * 32])) for pepper in (b"p", b"q"))
    challenge = uuid4()
    assert one.code_hash(challenge, "123456") != two.code_hash(challenge, "123456")
    assert one.destination_hash("a@b.example") != two.destination_hash("a@b.example")


@given(
    attempt=st.integers(1, 60),
    is_code=st.booleans(),
    left=st.integers(0, 86400),
    wish=st.none() | st.integers(0, 3600),
    jitter=st.floats(0, 1),
)
def test_a_retry_comes_later_than_now_and_before_the_end_or_not_at_all(
    attempt: int, is_code: bool, left: int, wish: int | None, jitter: float
) -> None:
    end = _NOW + timedelta(seconds=left)
    at_least = None if wish is None else timedelta(seconds=wish)
    moment = _RETRIES.next_attempt(
        attempt=attempt, is_code=is_code, now=_NOW, expire_time=end, at_least=at_least, jitter=jitter
    )
    if moment is None:
        return
    assert _NOW < moment < end
    assert attempt < 50
    assert moment - _NOW >= (at_least or timedelta(0))


def test_retries_double_up_to_the_longest_delay_of_their_kind() -> None:
    def delay(attempt: int, *, is_code: bool) -> timedelta:
        moment = _RETRIES.next_attempt(
            attempt=attempt, is_code=is_code, now=_NOW, expire_time=_NOW + timedelta(days=1), at_least=None, jitter=0
        )
        assert moment is not None
        return moment - _NOW

    assert [delay(n, is_code=True).seconds for n in (1, 2, 3, 7, 20)] == [1, 2, 4, 60, 60]
    assert [delay(n, is_code=False).seconds for n in (7, 20)] == [64, 3600]


def test_a_limit_tells_when_its_oldest_event_has_left_the_window() -> None:
    limit = Limit(count=5, window=timedelta(minutes=10))
    assert limit.retry_after(_NOW - timedelta(minutes=4), _NOW) == timedelta(minutes=6)
    assert limit.retry_after(_NOW - timedelta(minutes=11), _NOW) == timedelta(seconds=1)
    assert limit.retry_after(None, _NOW) == timedelta(seconds=1)


def test_a_pending_challenge_is_over_at_its_expiry_and_an_ended_one_stays_as_it_ended() -> None:
    pending, verified = a_challenge(), a_challenge(state=ChallengeState.VERIFIED)
    assert pending.is_pending(pending.expire_time - timedelta(microseconds=1))
    assert pending.state_at(pending.expire_time) is ChallengeState.EXPIRED
    assert verified.state_at(pending.expire_time) is ChallengeState.VERIFIED


@pytest.mark.parametrize("state", ChallengeState)
def test_a_guess_is_spent_on_a_pending_challenge_only(state: ChallengeState) -> None:
    answer = without_guess(state)
    # APPROVED is no state of a code challenge: nothing answers for it.
    assert (answer is None) == (state in (ChallengeState.PENDING, ChallengeState.APPROVED))


def test_a_challenge_concerns_the_device_that_asked_and_codes_alone() -> None:
    assert concerns(a_challenge(), "tv", None)
    assert not concerns(a_challenge(), "another", None)
    assert not concerns(None, "tv", None)
    assert not concerns(a_challenge(channel=Channel.TRUSTED_DEVICE), "tv", None)


def test_a_challenge_concerns_the_session_that_asked_alone() -> None:
    session = uuid4()
    assert concerns(a_challenge(session_id=session), "tv", session)
    assert not concerns(a_challenge(session_id=session), "tv", uuid4())
    assert not concerns(a_challenge(session_id=session), "tv", None)


def test_a_repeated_request_gets_the_result_of_its_own_guess() -> None:
    right, wrong = uuid4(), uuid4()
    guesses = (SpentGuess(request_id=wrong, accepted=False), SpentGuess(request_id=right, accepted=True))
    challenge = a_challenge(state=ChallengeState.VERIFIED, guesses=guesses)
    assert result_of_guess(challenge, right) is VerificationResult.ACCEPTED
    assert result_of_guess(challenge, wrong) is VerificationResult.WRONG_CODE
    assert result_of_guess(challenge, uuid4()) is None
