"""Emails as bytes, read back by the standard library's parser."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.challenge.delivery.email_content import encode_email
from tests.integration.delivery.messages import RECIPIENT, WORDS, an_email

# Words and spaces mixed: where encoded words meet, a space is easily lost.
WORDS_AND_SPACES = st.lists(
    st.sampled_from(["a", "für", "Grüße,", "20", "€", "123456:", "字", "👩‍👧", "=?", "?="]), max_size=40
)


def _encoded(subject: str, text: str) -> bytes:
    return encode_email(
        an_email(subject=subject, text=text, headers={"X-Note": subject}),
        sender="Hearthgate <no-reply@hearthgate.test>",
        sender_domain="hearthgate.test",
        sent_at=datetime(2030, 1, 1, tzinfo=UTC),
    ).content


def _read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, EmailMessage, policy=email.policy.default)


@given(WORDS_AND_SPACES.map(" ".join))
@example("Ihr Code für Hearthgate lautet 123456: schöne Grüße, 20 €")
def test_a_subject_keeps_every_space(subject: str) -> None:
    mail = _read(_encoded(subject, "x"))
    assert mail["Subject"] == subject
    assert mail["X-Note"] == subject


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=3000))
def test_a_text_of_any_length_arrives_and_every_line_is_short_enough(text: str) -> None:
    content = _encoded("Hello", text)
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert content.isascii()
    body = _read(content).get_body(("plain",))
    assert body is not None
    assert body.get_content().strip("\r\n") == text


def test_the_recipient_and_the_kind_of_mail_stand_in_the_headers() -> None:
    mail = _read(_encoded(WORDS["emoji"], "x"))
    assert mail["To"] == RECIPIENT
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_all("Subject") == [WORDS["emoji"]]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (f"<https://hearthgate.test/u?token={'A' * 300}>", f"<https://hearthgate.test/u?token={'A' * 300}>"),
        ("<https://hearthgate.test/u?t=a=?utf-8?b>", "<https://hearthgate.test/u?t=a=?utf-8?b>"),
        ("<https://hearthgate.test/u?a;b,c>", "<https://hearthgate.test/u?a;b,c>"),
        ("<mailto:u@hearthgate.test>, <https://hearthgate.test/u>",) * 2,
    ],
    ids=["long", "like an encoded word", "separators", "two"],
)
def test_an_address_to_unsubscribe_at_is_written_as_it_is(value: str, line: str) -> None:
    content = encode_email(
        an_email(headers={"List-Unsubscribe": value, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}),
        sender="Hearthgate <no-reply@hearthgate.test>",
        sender_domain="hearthgate.test",
        sent_at=datetime(2030, 1, 1, tzinfo=UTC),
    ).content
    unfolded = content.replace(b"\r\n ", b" ")
    assert f"\r\nList-Unsubscribe: {line}\r\n".encode() in unfolded
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in content
    assert max(map(len, content.split(b"\r\n"))) <= 998
