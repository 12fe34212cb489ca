"""Which refusals of a mail server say that the address is dead: those alone stop later mails to it."""

from __future__ import annotations

import pytest

from services.challenge.delivery.smtp import is_dead_address

_DEAD = [
    (550, ""),
    (550, "5.1.1"),
    (550, "5.1.2"),
    (553, "5.1.3"),
    (551, "5.1.6"),
    (556, "5.1.10"),
    (550, "5.2.1"),
]
_ALIVE = [
    (550, "5.7.1"),
    (550, "5.7.26"),
    (550, "5.1.0"),
    (553, "5.1.7"),
    (550, "5.1.8"),
    (550, "5.0.0"),
    (552, "5.2.2"),
    (552, "5.3.4"),
    (503, "5.5.1"),
    (554, "5.6.0"),
    (551, ""),
    (552, ""),
    (553, ""),
    (554, ""),
]


@pytest.mark.parametrize(("code", "status"), _DEAD)
def test_a_dead_address_is_told_at_rcpt_and_nowhere_else(code: int, status: str) -> None:
    assert is_dead_address(code, status, at_rcpt=True)
    assert not is_dead_address(code, status, at_rcpt=False)


@pytest.mark.parametrize(("code", "status"), _ALIVE)
def test_policies_full_mailboxes_and_content_are_no_word_on_the_address(code: int, status: str) -> None:
    assert not is_dead_address(code, status, at_rcpt=True)
    assert not is_dead_address(code, status, at_rcpt=False)
