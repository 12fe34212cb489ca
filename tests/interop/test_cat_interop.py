"""Our Common Access Tokens, read by Eyevinn's node-cat and by cose-js, which share no code with ours; theirs by us."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from libs.common_access_token.claims import Claims, encode_claims
from libs.common_access_token.cose import unseal
from libs.common_access_token.encoding import decode_text
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.keys import es256_key, hmac_key
from libs.common_access_token.renewal import Renewal, RenewalType
from libs.common_access_token.tokens import Policy, Request, Verifier, mint
from libs.common_access_token.uris import MatchType, UriComponent, UriRule

SECRET = bytes(range(32))
MAC = hmac_key(b"cdn-1", SECRET)
SCALAR = 7**80
SIGNATURE = es256_key(b"cdn-3", ec.derive_private_key(SCALAR, ec.SECP256R1()))
PATH = "/titles/42/"
URL = f"https://media.example{PATH}video.m3u8"
VERIFIER = Verifier([MAC.verification], policy=Policy(issuers=frozenset({"hearthgate"}), audience="cdn.example"))


def some_claims() -> Claims:
    """They hold now, by the clock that node-cat looks at."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Claims(
        issuer="hearthgate",
        subject="account-1",
        audience=("cdn.example", "origin.example"),
        expire_time=now + timedelta(hours=1),
        not_before=now - timedelta(hours=1),
        issue_time=now,
        token_id=bytes.fromhex("0b71"),
        uri=(
            UriRule(component=UriComponent.SCHEME, match=MatchType.EXACT, value="https"),
            UriRule(component=UriComponent.PATH, match=MatchType.PREFIX, value=PATH),
            UriRule(component=UriComponent.EXTENSION, match=MatchType.EXACT, value=".m3u8"),
        ),
        methods=("GET",),
        countries=("DE", "US-NY"),
        renewal=Renewal(type=RenewalType.HEADER, extension_seconds=120, deadline=60, header_name="cat"),
    )


async def theirs(node: tuple[str, Path], job: str, **arguments: Any) -> Any:
    """What the other side makes of a job."""
    command, folder = node
    if not (folder / "node_modules" / "@eyevinn" / "cat").is_dir():
        pytest.skip("npm's @eyevinn/cat is not installed: `make test` does that where npm and its registry are there")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(command, "cat.js", cwd=folder, stdin=pipe, stdout=pipe)
    async with asyncio.timeout(20):
        output, _ = await process.communicate(json.dumps({"do": job} | arguments).encode())
    return json.loads(output)


async def validated(node: tuple[str, Path], token: str, **changes: str) -> dict[str, Any]:
    """What node-cat says of a token of ours."""
    arguments = {
        "kid": "cdn-1",
        "secret": SECRET.hex(),
        "token": token,
        "issuer": "hearthgate",
        "audience": "cdn.example",
        "url": URL,
    }
    return dict(await theirs(node, "validate", **(arguments | changes)))


async def test_node_cat_reads_ours_and_refuses_what_it_is_not_for(node: tuple[str, Path]) -> None:
    said = some_claims()
    assert said.expire_time is not None
    token = mint(said, MAC)
    claims = (await validated(node, token))["claims"]
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("hearthgate", "account-1", list(said.audience or ()))
    assert (claims["exp"], claims["cti"], claims["catv"]) == (int(said.expire_time.timestamp()), "0b71", 1)
    assert (claims["catm"], claims["catgeoiso3166"]) == (["GET"], ["DE", "US-NY"])
    assert claims["catu"]["path"] == {"prefix-match": PATH}
    assert claims["catr"] == {"type": "header", "expadd": 120, "deadline": 60, "header-name": "cat"}

    elsewhere = "https://media.example/titles/43/video.m3u8"
    for changes in ({"url": elsewhere}, {"audience": "cdn.other"}, {"issuer": "other"}, {"secret": "00" * 32}):
        assert "claims" not in await validated(node, token, **changes), changes


async def test_ours_reads_node_cat_s(node: tuple[str, Path]) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    claims = {
        "iss": "hearthgate",
        "aud": "cdn.example",
        "exp": int(now.timestamp()) + 60,
        "cti": "0b71",
        "catu": {"path": {"prefix-match": PATH}, "host": {"exact-match": "media.example"}},
        "catm": ["GET"],
        "catr": {"type": "header", "expadd": 120, "header-name": "cat"},
    }
    token = await theirs(node, "generate", kid="cdn-1", secret=SECRET.hex(), claims=claims)
    said = await VERIFIER.verify(token, Request(uri=URL, method="GET"), now=now)
    assert (said.token_id, said.methods) == (b"\x0b\x71", ("GET",))
    assert said.renewal == Renewal(type=RenewalType.HEADER, extension_seconds=120, header_name="cat")
    with pytest.raises(CatError) as caught:
        await VERIFIER.verify(token, Request(uri=URL.replace("42", "43"), method="GET"), now=now)
    assert caught.value.reason is Reason.URI_NOT_MATCHED


async def test_cose_js_verifies_our_es256_and_ours_verifies_its(node: tuple[str, Path]) -> None:
    numbers = ec.derive_private_key(SCALAR, ec.SECP256R1()).public_key().public_numbers()
    public = {"x": numbers.x.to_bytes(32, "big").hex(), "y": numbers.y.to_bytes(32, "big").hex()}
    payload = encode_claims(some_claims())
    # It knows COSE and not the tag of a CWT, two bytes long.
    message = decode_text(mint(some_claims(), SIGNATURE)).removeprefix(b"\xd8\x3d")
    assert await theirs(node, "verify", message=message.hex(), **public) == payload.hex()
    bent = message[:-1] + bytes([message[-1] ^ 1])
    assert "error" in await theirs(node, "verify", message=bent.hex(), **public)

    signed = await theirs(node, "sign", kid="cdn-3", d=SCALAR.to_bytes(32, "big").hex(), payload=payload.hex())
    assert unseal(bytes.fromhex(signed), {b"cdn-3": SIGNATURE.verification}) == payload
