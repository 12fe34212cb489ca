"""CBOR (RFC 8949) and base64url as strangers write them, read strictly."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Final, Never

import cbor2

from libs.common_access_token.errors import CatError, Reason

MAX_CHARACTERS: Final = 8192
"""What fits into a header or a query parameter."""
_MAX_DEPTH: Final = 8
# Tags that cbor2 turns into values of Python, but for 52 and 54 (addresses, RFC 9164): a token has none of them. Some
# would vanish (28, 55799) or read as an integer (2, 3), and one claim would have several forms.
_REFUSED_TAGS: Final = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799)


def encode_text(data: bytes) -> str:
    """The bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_text(text: str) -> bytes:
    """The bytes of base64url without padding. Raises CatError for any other form, also for a second one of the same."""
    if len(text) > MAX_CHARACTERS:
        raise CatError(Reason.MALFORMED, f"longer than {MAX_CHARACTERS} characters")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise CatError(Reason.MALFORMED, "not base64url") from None
    # The last character has bits that no byte needs: another character there is another text for the same token.
    if encode_text(data) != text:
        raise CatError(Reason.MALFORMED, "not base64url in its one form")
    return data


def encode_cbor(value: object) -> bytes:
    """Deterministic CBOR, so that the same claims are the same bytes."""
    return cbor2.dumps(value, canonical=True)


def decode_cbor(data: bytes) -> object:
    """The one item of which the bytes consist.

    Raises CatError for anything else: bytes behind it, indefinite lengths, a key that stands twice, tags that stand for
    values, more than 8 levels.
    """
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream,
        semantic_decoders=dict.fromkeys(_REFUSED_TAGS, _refuse_tag),
        max_depth=_MAX_DEPTH,
        allow_indefinite=False,
        allow_duplicate_keys=False,
    )
    try:
        value: object = decoder.decode(immutable=True)
    except (cbor2.CBORError, TypeError, ValueError):
        raise CatError(Reason.MALFORMED, "not CBOR as a token has it") from None
    if stream.tell() != len(data):
        raise CatError(Reason.MALFORMED, "bytes behind the end")
    return value


def read_map(value: object, what: str) -> Mapping[int | str, object]:
    """The map, whose keys are integers and texts. Raises CatError for anything else, also for ``true``, Python's 1."""
    if not isinstance(value, Mapping) or any(type(key) not in (int, str) for key in value):
        raise CatError(Reason.MALFORMED, what)
    return value


def read_array(value: object, what: str) -> tuple[object, ...]:
    """The array. Raises CatError for anything else."""
    if not isinstance(value, tuple):
        raise CatError(Reason.MALFORMED, what)
    return value


def read_integer(value: object, what: str) -> int:
    """The integer, never a truth. Raises CatError for anything else."""
    if type(value) is not int:
        raise CatError(Reason.MALFORMED, what)
    return value


def read_text(value: object, what: str) -> str:
    """The text string. Raises CatError for anything else."""
    if not isinstance(value, str):
        raise CatError(Reason.MALFORMED, what)
    return value


def read_bytes(value: object, what: str) -> bytes:
    """The byte string. Raises CatError for anything else."""
    if not isinstance(value, bytes):
        raise CatError(Reason.MALFORMED, what)
    return value


def read_texts(value: object, what: str) -> tuple[str, ...]:
    """The array of text strings. Raises CatError for anything else."""
    return tuple(read_text(item, what) for item in read_array(value, what))


def _refuse_tag(decoder: cbor2.CBORDecoder, immutable: bool) -> Never:
    raise ValueError("a tag that stands for a value")
