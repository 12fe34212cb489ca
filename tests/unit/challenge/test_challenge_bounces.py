"""Which refusals say that an address is dead."""

from __future__ import annotations

import logging

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.challenge.delivery.dkim import DkimSigner
from services.challenge.delivery.smtp import is_dead_address


@pytest.mark.parametrize(
    ("code", "status", "at_rcpt", "dead"),
    [
        (550, "5.1.1", True, True),
        (550, "5.1.1", False, True),
        (550, "5.1.2", True, True),
        (553, "5.1.3", True, True),
        (550, "5.1.6", True, True),
        (556, "5.1.10", True, True),
        (550, "5.2.1", True, True),
        (550, "", True, True),
        (551, "", True, True),
        (553, "", True, False),
        (550, "", False, False),
        (554, "", True, False),
        (554, "", False, False),
        (550, "5.7.1", True, False),
        (550, "5.7.26", False, False),
        (550, "5.1.8", True, False),
        (552, "5.3.4", False, False),
        (552, "5.2.2", True, False),
        (550, "5.4.1", True, False),
        (554, "5.6.0", False, False),
    ],
)
def test_only_a_word_about_the_address_is_a_hard_bounce(code: int, status: str, at_rcpt: bool, dead: bool) -> None:
    assert is_dead_address(code, status, at_rcpt=at_rcpt) is dead


async def test_signing_logs_nothing_of_a_mail(caplog: pytest.LogCaptureFixture) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with caplog.at_level(logging.DEBUG):
        mail = b"From: a@b.test\r\nTo: canary@mine.test\r\nSubject: x\r\n\r\nhello\r\n"
        signed = await DkimSigner(pem, selector="s", domain="b.test").sign(mail)
    assert signed.endswith(mail)
    assert "canary" not in caplog.text
