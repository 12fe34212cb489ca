"""Signatures on what really arrived at a mail server, verified by mailauth."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from libs.runtime.clock import FakeClock
from libs.testing.smtp import SmtpInbox
from services.challenge.delivery.dkim import DkimKey, DkimSigner
from services.challenge.delivery.endpoints import parse_smtp_url
from services.challenge.delivery.port import Accepted, EmailMessageToSend
from services.challenge.delivery.smtp import SmtpEmailSender

_SCRIPT: Final = Path(__file__).with_name("dkim_verify.cjs")
_UNSUBSCRIBE: Final = f"<https://hearthgate.test/unsubscribe?token={'a1-_.~%3D;,=?' * 20}>"
_SIGNED: Final = (
    "From: To: Subject: Date: Message-ID: MIME-Version: Content-Type: Auto-Submitted: List-Unsubscribe: "
    "List-Unsubscribe-Post"
)


def _keys() -> dict[str, RSAPrivateKey | Ed25519PrivateKey]:
    return {"rsa": generate_private_key(65537, 2048), "ed25519": Ed25519PrivateKey.generate()}


def _dns_record(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    if isinstance(key, Ed25519PrivateKey):
        kind, public = "ed25519", key.public_key().public_bytes_raw()
    else:
        kind, public = "rsa", key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"


def _an_email(recipient: str = "ada@example.test") -> EmailMessageToSend:
    return EmailMessageToSend(
        message_id="c1@hearthgate.test",
        recipient=recipient,
        subject="Ihr Code für Hearthgate: schöne Grüße an alle, die diesen langen Betreff bis zum Ende lesen 👩‍👧",
        text="Grüße, 123456\n.\n  two  spaces \n\n\n",
        html="<p>Grüße, 123456</p>",
        headers={"List-Unsubscribe": _UNSUBSCRIBE, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )


async def _delivered(key: RSAPrivateKey | Ed25519PrivateKey, message: EmailMessageToSend) -> bytes:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    signer = DkimSigner(DkimKey.from_pem(pem.replace("\n", "\\n")), domain="hearthgate.test", selector="hearthgate")
    async with SmtpInbox() as inbox:
        sender = SmtpEmailSender(
            parse_smtp_url(inbox.url), sender="Tür <no-reply@hearthgate.test>", clock=FakeClock(), signer=signer
        )
        assert isinstance(await sender.send(message), Accepted)
        await sender.close()
        return inbox.mails[0].raw


async def _verify(node_modules: Path, record: str, *emails: bytes) -> list[list[dict[str, Any]]]:
    question = {
        "record": record,
        "name": "hearthgate._domainkey.hearthgate.test",
        "emails": [base64.b64encode(each).decode() for each in emails],
    }
    process = await asyncio.create_subprocess_exec(
        "node",
        str(_SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "NODE_PATH": str(node_modules)},
    )
    answer, _ = await process.communicate(json.dumps(question).encode())
    assert process.returncode == 0
    answers: list[list[dict[str, Any]]] = json.loads(answer)
    return answers


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_another_implementation_finds_the_signature_good_and_every_change_bad(
    node_modules: Path, kind: str
) -> None:
    key = _keys()[kind]
    raw = await _delivered(key, _an_email())
    tampered = [
        raw.replace(b"123456", b"123457"),
        raw.replace(b"Auto-Submitted: auto-generated", b"Auto-Submitted: no"),
        raw.replace(b"unsubscribe?token=", b"unsubscribe?token=x"),
        raw.replace(b"=One-Click", b"=Two-Click"),
        raw.replace(b"To: ada@", b"To: eve@"),
        b"From: Eve <eve@example.test>\r\n" + raw,
    ]
    assert len({raw, *tampered}) == 1 + len(tampered)
    good, *bad = await _verify(node_modules, _dns_record(key), raw, *tampered)
    assert [(each["result"], each["algorithm"]) for each in good] == [("pass", f"{kind}-sha256")]
    assert good[0]["signed"] == _SIGNED
    assert b"h=from:from:" in b"".join(raw.split())
    # "neutral" is mailauth's word for a body that another hash belongs to.
    assert [each["result"] for answers in bad for each in answers] == ["neutral"] + ["fail"] * (len(tampered) - 1)


async def test_a_signature_over_an_international_address_is_good(node_modules: Path) -> None:
    key = _keys()["ed25519"]
    raw = await _delivered(key, _an_email("jürgen@example.test"))
    assert [[each["result"] for each in answers] for answers in await _verify(node_modules, _dns_record(key), raw)] == [
        ["pass"]
    ]


async def test_an_addressed_unsubscription_arrives_unbroken() -> None:
    raw = await _delivered(_keys()["ed25519"], _an_email())
    assert f"\r\nList-Unsubscribe: {_UNSUBSCRIBE}\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert max(map(len, raw.split(b"\r\n"))) <= 998
