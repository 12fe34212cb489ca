"""Tokens that others made, verified by ours.

RFC 8392, appendix A: its examples are code components under the Simplified BSD License. cose-wg/Examples is in the
public domain. The tokens of node-cat are from its tests (Eyevinn, MIT), under the key of RFC 8392, A.2.2.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.common_access_token.claims import Claims
from libs.common_access_token.cose import unseal
from libs.common_access_token.encoding import decode_text, encode_text
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.keys import eddsa_key, es256_key, hmac_key
from libs.common_access_token.tokens import Verifier
from tests.unit.common_access_token.cat_world import POLICY, REQUEST, read_with

SYMMETRIC = bytes.fromhex("403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388")
RFC8392_ES256 = es256_key(
    b"AsymmetricECDSA256",
    ec.derive_private_key(int("6c1382765aec5358f117733d281c1c7bdc39884d04a45a1e6c67c858bc206c19", 16), ec.SECP256R1()),
)
RFC8392_SIGNED = bytes.fromhex(
    "d28443a10126a104524173796d6d657472696345434453413235365850a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572"
    "696b77037818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b7158405427c1"
    "ff28d23fbad1f29c4c7c6a555e601d6fa29f9179bc3d7438bacaca5acd08c8d4d4f96131680c429a01f85951ecee743a52b9b63632c5720912"
    "0e1c9e30"
)
RFC8392_SAID = Claims(
    issuer="coap://as.example.com",
    subject="erikw",
    audience=("coap://light.example.com",),
    expire_time=datetime.fromtimestamp(1444064944, UTC),
    not_before=datetime.fromtimestamp(1443944944, UTC),
    issue_time=datetime.fromtimestamp(1443944944, UTC),
    token_id=bytes.fromhex("0b71"),
)


@pytest.mark.parametrize("tag", ["", "d83d"])
def test_the_signed_cwt_of_rfc_8392(tag: str) -> None:
    """A.3; with the CWT's tag as A.4 has it, and without."""
    assert read_with(RFC8392_ES256, bytes.fromhex(tag) + RFC8392_SIGNED) == RFC8392_SAID


def test_the_shortened_mac_of_rfc_8392_is_refused() -> None:
    """A.4 is HMAC 256/64, which the key is not for."""
    key = hmac_key(b"Symmetric256", SYMMETRIC)
    maced = bytes.fromhex(
        "d83dd18443a10104a1044c53796d6d65747269633235365850a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b7703"
        "7818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b7148093101ef6d789200"
    )
    with pytest.raises(CatError) as caught:
        read_with(key, maced)
    assert caught.value.reason is Reason.WRONG_ALGORITHM


def test_the_ed25519_message_of_cose_wg() -> None:
    """eddsa-examples/eddsa-sig-01.json; a content type stands in its protected header."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = eddsa_key(b"11", Ed25519PrivateKey.from_private_bytes(seed)).verification
    signed = bytes.fromhex(
        "d28445a201270300a10442313154546869732069732074686520636f6e74656e742e58407142fd2ff96d56db85bee905a76ba1d0b7321a95c8"
        "c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d"
    )
    assert unseal(signed, {b"11": key}) == b"This is the content."
    with pytest.raises(CatError):
        unseal(signed[:-1] + b"\x0c", {b"11": key})


def test_the_tag_of_cose_wg_s_mac0() -> None:
    """hmac-examples/HMac-enc-01.json has no kid, so its tag alone is compared."""
    secret = bytes.fromhex("849b57219dae48de646d07dbb533566e976686457c1491be3a76dcea6c427188")
    authenticated = bytes.fromhex("84644d41433043a101054054546869732069732074686520636f6e74656e742e")
    tag = bytes.fromhex("a1a848d3471f9d61ee49018d244c824772f223ad4f935293f1789fc3a08d8c58")
    key = hmac_key(b"our-secret", secret)
    assert key.sign(authenticated) == tag
    assert key.verification.verify(tag, authenticated)


NODE_CAT = Verifier([hmac_key(b"akamai_key_hs256", SYMMETRIC).verification], policy=POLICY)
NODE_CAT_PLAIN = (
    "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2WCijAXgYY29hcDovL2pvbmFzLmV4YW1wbGUuY29tBhpn1JipBRpn1JipWCCX4nQb8SYQoa0SFLxE2R"
    "h35DdTjoA9TzOSy1IP9O1BGQ"
)
NODE_CAT_EXPIRING = (
    "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2U6MEGmfXP_YGGmfXQAsFGmfXQAtYINTT_KlOyhaV6NaSxFXkqJWfBagSkPkem10dysoA-C0w"
)


def test_the_tokens_of_node_cat() -> None:
    said = NODE_CAT.read(NODE_CAT_PLAIN)
    issued = datetime.fromtimestamp(1741985961, UTC)
    assert said == Claims(issuer="coap://jonas.example.com", not_before=issued, issue_time=issued)
    two = NODE_CAT.read(
        "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2V6MDgmNvbmVjdHdvBhpn12R8BRpn12R8WCAdnSbUN4KbIvaHLn-q4f4YRpfq6ERYotByjbIyZ-EkfQ"
    )
    assert two.audience == ("one", "two")


async def test_an_old_token_of_node_cat_has_expired() -> None:
    said = NODE_CAT.read(NODE_CAT_EXPIRING)
    assert said.expire_time is not None
    with pytest.raises(CatError) as caught:
        await NODE_CAT.verify(NODE_CAT_EXPIRING, REQUEST, now=said.expire_time + timedelta(seconds=1))
    assert caught.value.reason is Reason.EXPIRED


def test_a_token_of_node_cat_that_is_bent_is_refused() -> None:
    bent = bytearray(decode_text(NODE_CAT_PLAIN))
    bent[-1] ^= 1
    with pytest.raises(CatError):
        NODE_CAT.read(encode_text(bytes(bent)))
