"""What we sign, as it arrived at a real mail server, verified by mailauth, which shares no code with what signs."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from libs.runtime.clock import FakeClock
from libs.testing.smtp import SmtpInbox
from services.challenge.delivery.dkim import DkimSigner
from services.challenge.delivery.endpoints import parse_smtp_url
from services.challenge.delivery.port import Accepted, EmailMessageToSend
from services.challenge.delivery.smtp import SmtpEmailSender

_LINK = f"<https://hearthgate.test/unsubscribe?token={'A' * 180}>"


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    """Ours."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    """A private key as the setting holds it."""
    return str(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode())


def record(key: RSAPrivateKey) -> str:
    """The DNS record of its public key."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


async def arrived(key: RSAPrivateKey, **changes: Any) -> bytes:
    """A signed notice as a mail server got it."""
    fields: dict[str, Any] = {
        "message_id": "n1",
        "recipient": "ada@example.test",
        "subject": "Ein neues Gerät ist angemeldet",
        "text": "Wohnzimmer\n\n.dot  and   spaces \n認証\n",
        "html": "<p>Wohnzimmer</p>\n",
        "headers": {"List-Unsubscribe": _LINK, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    }
    async with SmtpInbox() as inbox:
        sender = SmtpEmailSender(
            parse_smtp_url(inbox.url),
            sender="Hearthgate <no-reply@hearthgate.test>",
            clock=FakeClock(),
            signer=DkimSigner(pem(key), selector="s1", domain="hearthgate.test"),
        )
        assert isinstance(await sender.send(EmailMessageToSend(**(fields | changes))), Accepted)
        await sender.close()
        [mail] = inbox.mails
        return mail.raw


async def verified(node: tuple[str, Path], mail: bytes, record: str) -> dict[str, str]:
    """What mailauth says of the mail's one signature."""
    command, folder = node
    process = await asyncio.create_subprocess_exec(
        *(command, "verify_dkim.js", record),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate(mail)
    [result] = json.loads(output)
    return dict(result)


async def test_a_signed_notice_is_verified_and_what_was_altered_is_not(
    node: tuple[str, Path], key: RSAPrivateKey
) -> None:
    mail = await arrived(key)
    found = await verified(node, mail, record(key))
    assert (found["result"], found["domain"], found["selector"]) == ("pass", "hearthgate.test", "s1")
    assert found["algorithm"] == "rsa-sha256"

    assert b"Wohnzimmer" in mail
    assert b"One-Click" in mail
    altered = {
        "the body": mail.replace(b"Wohnzimmer", b"Badezimmer"),
        "the recipient": mail.replace(b"To: ada@", b"To: eve@"),
        "the one click": mail.replace(b"One-Click", b"Two-Click"),
        "a second sender": mail.replace(b"Subject:", b"From: Eve <eve@evil.test>\r\nSubject:"),
    }
    for what, changed in altered.items():
        assert changed != mail, what
        assert (await verified(node, changed, record(key)))["result"] != "pass", what
    stranger = generate_private_key(public_exponent=65537, key_size=2048)
    assert (await verified(node, mail, record(stranger)))["result"] != "pass"


async def test_a_code_without_further_headers_is_verified(node: tuple[str, Path], key: RSAPrivateKey) -> None:
    mail = await arrived(key, headers={}, subject="Your code")
    assert (await verified(node, mail, record(key)))["result"] == "pass"
    # One put in on the way would make a mail program show its own click: the signature says that there was none.
    put_in = mail.replace(b"Subject:", b"List-Unsubscribe: <https://evil.test>\r\nSubject:")
    assert (await verified(node, put_in, record(key)))["result"] != "pass"


async def test_the_one_click_link_arrives_in_one_piece(key: RSAPrivateKey) -> None:
    mail = await arrived(key)
    assert f"\r\nList-Unsubscribe: {_LINK}\r\n".encode() in mail
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in mail


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_either_form_of_a_key_will_do_with_its_line_ends_as_they_are_or_written_out(
    key: RSAPrivateKey, form: PrivateFormat
) -> None:
    for text in (pem(key, form), pem(key, form).replace("\n", "\\n")):
        DkimSigner(text, selector="s1", domain="hearthgate.test")


def test_a_bad_key_is_refused_without_being_repeated() -> None:
    weak = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - weak on purpose
    for text in ("", "secret words", pem(weak), pem(generate_ec_key(SECP256R1())), pem(weak)[:200]):
        with pytest.raises(
            ValueError, match=r"must be (a private key in PEM|an RSA key of at least 2048 bits)"
        ) as caught:
            DkimSigner(text, selector="s1", domain="hearthgate.test")
        assert "secret words" not in str(caught.value)
