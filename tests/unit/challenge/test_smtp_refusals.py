"""What a mail server's refusal says of the address."""

from __future__ import annotations

import pytest

from services.challenge.delivery.port import PermanentFailure, TemporaryFailure
from services.challenge.delivery.smtp_refusals import Step, read_refusal

_DEAD = [
    (550, "no such user"),
    (550, "5.1.1 <ada@example.test> unknown"),
    (551, "5.1.6 moved"),
    (553, "5.1.3 bad syntax"),
    (550, "5.1.2 no such domain"),
    (556, "5.1.10 takes no mail"),
    (550, "5.2.1 disabled"),
]
_POLICY = [
    (550, "5.7.1 listed as a spammer"),
    (550, "5.7.26 not authenticated"),
    (550, "5.1.8 bad sender domain"),
    (550, "5.0.0 whatever"),
    (552, "5.2.2 mailbox full"),
    (552, "5.3.4 too big"),
    (554, "refused"),
    (554, "5.7.1 refused"),
    (553, "not one of our domains"),
    (551, "user not local"),
    (503, "5.5.1 bad sequence"),
]


@pytest.mark.parametrize(("code", "text"), _DEAD)
def test_a_dead_address_is_told_at_rcpt(code: int, text: str) -> None:
    failure = read_refusal(code, text, Step.RCPT)
    assert isinstance(failure, PermanentFailure)
    assert failure.about_recipient
    assert "ada" not in failure.reason


@pytest.mark.parametrize(("code", "text"), _POLICY)
def test_a_policy_is_no_word_on_the_address(code: int, text: str) -> None:
    failure = read_refusal(code, text, Step.RCPT)
    assert isinstance(failure, PermanentFailure)
    assert not failure.about_recipient


@pytest.mark.parametrize("step", [Step.MAIL, Step.DATA])
@pytest.mark.parametrize(("code", "text"), _DEAD)
def test_at_other_steps_something_else_is_refused(code: int, text: str, step: Step) -> None:
    assert read_refusal(code, text, step) == PermanentFailure(reason=read_refusal(code, text, step).reason)


@pytest.mark.parametrize(
    ("code", "text", "step"),
    [(450, "4.2.1 disabled for now", Step.RCPT), (452, "4.2.2 full", Step.RCPT), (550, "5.1.1 unknown", Step.CONNECT)],
)
def test_what_may_pass_or_be_mended_is_temporary(code: int, text: str, step: Step) -> None:
    assert isinstance(read_refusal(code, text, step), TemporaryFailure)


def test_a_reason_holds_codes_and_none_of_the_servers_words() -> None:
    assert read_refusal(550, "5.1.1 <ada@example.test> no", Step.RCPT).reason == "smtp 550 5.1.1 at RCPT"
    assert read_refusal(550, "<ada@example.test> 5.1.1", Step.RCPT).reason == "smtp 550 at RCPT"
