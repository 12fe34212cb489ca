"""COSE_Sign1 and COSE_Mac0 (RFC 9052) under the tag of a CWT (RFC 8392): the envelope of a token.

Tags: 17 COSE_Mac0, 18 COSE_Sign1, 61 CWT. Header labels: 1 alg, 2 crit, 4 kid. All from the RFCs' registries at IANA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cbor2

from libs.common_access_token.encoding import decode_cbor, encode_cbor, read_array, read_bytes, read_map
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.keys import Algorithm, MintingKey, VerificationKey

_CWT: Final = 61
_MAC0: Final = 17
_SIGN1: Final = 18
_CONTEXTS: Final = {_MAC0: "MAC0", _SIGN1: "Signature1"}
_STRUCTURES: Final = {Algorithm.ES256: _SIGN1, Algorithm.EDDSA: _SIGN1, Algorithm.HMAC_256_256: _MAC0}
_ALG: Final = 1
_CRIT: Final = 2
_KID: Final = 4
_MEMBERS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _Message:
    structure: int
    protected: bytes
    headers: Mapping[int | str, object]
    kid: object
    payload: bytes
    proof: bytes


def seal(payload: bytes, key: MintingKey) -> bytes:
    """The payload, signed or MACed, under tag 61.

    The kid is unprotected, where RFC 8392's examples and the verifiers of CDNs have it: another one there is another
    key, which did not sign.
    """
    algorithm = key.verification.algorithm
    structure = _STRUCTURES[algorithm]
    protected = encode_cbor({_ALG: int(algorithm)})
    proof = key.sign(_authenticated(structure, protected, payload))
    members = [protected, {_KID: key.verification.kid}, payload, proof]
    return encode_cbor(cbor2.CBORTag(_CWT, cbor2.CBORTag(structure, members)))


def unseal(data: bytes, keys: Mapping[bytes, VerificationKey]) -> bytes:
    """The payload that one of the keys, found by its kid, signed with its own algorithm. Raises CatError."""
    message = _parse(data)
    if not isinstance(message.kid, bytes):
        raise CatError(Reason.UNKNOWN_KEY, "no kid")
    key = keys.get(message.kid)
    if key is None:
        raise CatError(Reason.UNKNOWN_KEY)
    algorithm = message.headers.get(_ALG)
    if type(algorithm) is not int or algorithm != key.algorithm or message.structure != _STRUCTURES[key.algorithm]:
        raise CatError(Reason.WRONG_ALGORITHM, f"the key is for {key.algorithm.name}")
    if not key.verify(message.proof, _authenticated(message.structure, message.protected, message.payload)):
        raise CatError(Reason.NOT_AUTHENTIC)
    return message.payload


def _parse(data: bytes) -> _Message:
    item = decode_cbor(data)
    if isinstance(item, cbor2.CBORTag) and item.tag == _CWT:
        item = item.value
    if not isinstance(item, cbor2.CBORTag) or item.tag not in _CONTEXTS:
        raise CatError(Reason.MALFORMED, "neither COSE_Sign1 nor COSE_Mac0")
    members = read_array(item.value, "members of the message")
    if len(members) != _MEMBERS:
        raise CatError(Reason.MALFORMED, "members of the message")
    protected = read_bytes(members[0], "protected header")
    headers = read_map(decode_cbor(protected) if protected else {}, "protected header")
    unprotected = read_map(members[1], "unprotected header")
    if not headers.keys().isdisjoint(unprotected):
        raise CatError(Reason.MALFORMED, "a header that is protected and is not")
    # Whatever is critical is unknown here: what we know need not be named there (RFC 9052, 3.1).
    if _CRIT in headers or _CRIT in unprotected:
        raise CatError(Reason.UNKNOWN_CRITICAL_HEADER)
    return _Message(
        structure=item.tag,
        protected=protected,
        headers=headers,
        kid=headers.get(_KID, unprotected.get(_KID)),
        payload=read_bytes(members[2], "payload"),
        proof=read_bytes(members[3], "signature or tag"),
    )


def _authenticated(structure: int, protected: bytes, payload: bytes) -> bytes:
    """Sig_structure or MAC_structure (RFC 9052, 4.4 and 6.3), without external data."""
    return encode_cbor([_CONTEXTS[structure], protected, b"", payload])
