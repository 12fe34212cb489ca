"""The list of breached passwords: the small one that is shipped, or an operator's, of words or of SHA-1 hashes.

A file of hashes is what the Have I Been Pwned downloader writes, 40 GB of sorted lines; it is never loaded. Each look
reads some 35 small pieces of it, by ``pread`` and not by a memory map: a map of a file that shrinks, or of a disk that
fails, would end the process.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.bulkhead import Bulkhead
from services.identity.domain.password import CommonPasswords

SHIPPED: Final = Path(__file__).with_name("data") / "common_passwords.txt"
MAX_WORDS_BYTES: Final = 32 * 1024 * 1024
"""The largest list of words. Ours: it is kept in memory, at some ten times its size."""
_WHOLE_BYTES: Final = 32 * 1024 * 1024
_SAMPLES: Final = 1_000
_LINE_BYTES: Final = 128
_LINE: Final = re.compile(rb"([0-9A-Fa-f]{40}):[0-9]{1,19}\r?")
_OTHER_HASH: Final = re.compile(rb"[0-9A-Fa-f]{32}(:[0-9]+)?\r?")
_WAIT: Final = timedelta(seconds=1)


class ListError(ValueError):
    """The file cannot be used; the text says why and where, and holds nothing of its content."""


class KnownPasswords(Protocol):
    """What new passwords are compared with."""

    @property
    def common(self) -> CommonPasswords:
        """The words that patterns are looked for with."""
        ...

    async def holds(self, password: str) -> bool:
        """Whether exactly this password, in any case, is known. Raises DEPENDENCY_UNAVAILABLE, OVERLOADED."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Words:
    """A list of words, at hand."""

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words

    @property
    def common(self) -> CommonPasswords:
        """The list itself."""
        return self._words

    async def holds(self, password: str) -> bool:
        """Whether it is in the list."""
        return password.casefold() in self._words

    def close(self) -> None:
        """Nothing to do."""


class HashFile:
    """Sorted lines ``SHA1HEX:count``; the shipped list stays for the look for patterns, which needs words.

    Close it at the end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._bulkhead = Bulkhead("breached passwords", threads=1, waiters=32, retry_after=_WAIT)

    @property
    def common(self) -> CommonPasswords:
        """The shipped list."""
        return shipped_words()

    async def holds(self, password: str) -> bool:
        """Whether its hash, or that of its lower case, is in the file.

        Raises DEPENDENCY_UNAVAILABLE where the file cannot be read or is not as it was at the start; OVERLOADED.
        """
        texts = {password, password.lower()}
        hashes = [hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper() for text in texts]
        try:
            return await self._bulkhead.run(lambda: any(find_hash(self._descriptor, each) for each in hashes))
        except (OSError, ListError) as error:
            # Fails closed: a password that could not be looked up is not set.
            raise ServiceError(
                ErrorReason.DEPENDENCY_UNAVAILABLE, detail=f"the list of breached passwords: {error}"
            ) from error

    def close(self) -> None:
        """Let the look under way end, and close the file."""
        self._bulkhead.close()
        os.close(self._descriptor)


@cache
def shipped_words() -> frozenset[str]:
    """The list in the package; read once."""
    return frozenset(SHIPPED.read_text("utf-8").splitlines())


def open_known_passwords(file: Path | None) -> KnownPasswords:
    """The operator's list, or the shipped one. Raises ListError, OSError."""
    if file is None:
        return Words(shipped_words())
    descriptor = os.open(file, os.O_RDONLY)
    try:
        if _is_hash_file(descriptor):
            check_hash_file(descriptor)
            return HashFile(descriptor)
        words = Words(_read_words(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return words


def check_list(file: Path) -> None:
    """Raise ListError, or OSError, unless :func:`open_known_passwords` would take the file."""
    open_known_passwords(file).close()


def find_hash(descriptor: int, digest: str) -> bool:
    """Whether a line begins with ``digest``, 40 upper-case hex digits. Raises OSError, ListError.

    Reads O(log n) pieces of 128 bytes.
    """
    low, high = 0, os.fstat(descriptor).st_size
    # Each line that could be the one begins in [low, high).
    while low < high:
        middle = (low + high) // 2
        start = _line_start(descriptor, middle, low)
        found, end = _hash_at(descriptor, start)
        if found == digest:
            return True
        if found < digest:
            low = end
        else:
            high = start
    return False


def check_hash_file(descriptor: int) -> None:
    """Raise ListError where a line is malformed or out of order: all lines of a small file, samples of a large one."""
    size = os.fstat(descriptor).st_size
    if size <= _WHOLE_BYTES:
        _check_in_order((f"line {number}", found) for number, found in _all_hashes(descriptor))
        return
    places = (size * number // _SAMPLES for number in range(_SAMPLES))
    _check_in_order(_sampled(descriptor, [*places, size - 2]))


def _sampled(descriptor: int, places: list[int]) -> Iterator[tuple[str, str]]:
    last = -1
    for place in places:
        start = _line_start(descriptor, place, 0)
        if start != last:
            yield f"the line at byte {start}", _hash_at(descriptor, start)[0]
        last = start


def _check_in_order(lines: Iterator[tuple[str, str]]) -> None:
    before = ""
    for where, found in lines:
        if found <= before:
            raise ListError(f"{where} is out of order: the lines must be sorted by hash, each hash once")
        before = found


def _all_hashes(descriptor: int) -> Iterator[tuple[int, str]]:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        for number, line in enumerate(file, 1):
            yield number, _hash_of(line.rstrip(b"\n"), f"line {number}")


def _line_start(descriptor: int, place: int, low: int) -> int:
    """Where the line that ``place`` is in begins; not before ``low``, which is a line's beginning."""
    begin = max(low, place - _LINE_BYTES)
    piece = _read(descriptor, begin, place - begin)
    newline = piece.rfind(b"\n")
    if newline < 0 and begin > low:
        raise ListError(f"the line at byte {place} is too long")
    return begin + newline + 1 if newline >= 0 else begin


def _hash_at(descriptor: int, start: int) -> tuple[str, int]:
    """The hash of the line at ``start``, and where the next line begins."""
    piece = os.pread(descriptor, _LINE_BYTES, start)
    line, newline, _ = piece.partition(b"\n")
    return _hash_of(line, f"the line at byte {start}"), start + len(line) + len(newline)


def _hash_of(line: bytes, where: str) -> str:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ListError(f"{where} is not of the form SHA1HEX:count")
    return match[1].decode().upper()


def _read(descriptor: int, begin: int, length: int) -> bytes:
    piece = os.pread(descriptor, length, begin)
    if len(piece) < length:
        raise ListError("it is shorter than it was")
    return piece


def _is_hash_file(descriptor: int) -> bool:
    first = os.pread(descriptor, _LINE_BYTES, 0).partition(b"\n")[0]
    if _OTHER_HASH.fullmatch(first):
        raise ListError("line 1 holds an NTLM hash, as it seems; SHA-1 hashes are needed")
    return _LINE.fullmatch(first) is not None


def _read_words(descriptor: int) -> frozenset[str]:
    size = os.fstat(descriptor).st_size
    if size > MAX_WORDS_BYTES:
        raise ListError(f"a list of words has {MAX_WORDS_BYTES} bytes at most; make a file of hashes of it")
    words = set()
    for number, line in enumerate(os.pread(descriptor, size, 0).split(b"\n"), 1):
        try:
            word = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise ListError(f"line {number} is not UTF-8") from None
        if "\x00" in word:
            raise ListError(f"line {number} is no text")
        if _LINE.fullmatch(line):
            raise ListError(f"line {number} holds a hash, and line 1 does not")
        words.add(word.casefold())
    words.discard("")
    if not words:
        raise ListError("it is empty")
    return frozenset(words)
