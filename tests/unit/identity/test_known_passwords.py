"""The list of breached passwords: shipped, of words, of hashes, and what is wrong with files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.settings import EX_CONFIG, load_settings
from services.identity import known_passwords
from services.identity.known_passwords import HashFile, ListError, find_hash, open_known_passwords
from services.identity.settings import IdentitySettings


def hash_of(password: str) -> str:
    """As the downloader writes it."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def hash_lines(passwords: list[str], newline: str = "\r\n") -> bytes:
    """What the downloader writes for some passwords."""
    return "".join(
        f"{each}:{number}{newline}" for number, each in enumerate(sorted(map(hash_of, passwords)), 1)
    ).encode()


def written(folder: Path, content: bytes) -> Path:
    """A file with this content."""
    file = folder / "breached.txt"
    file.write_bytes(content)
    return file


async def test_the_shipped_list_holds_what_it_says_and_is_read_once() -> None:
    shipped = open_known_passwords(None)
    assert await shipped.holds("ManchesterUnited")
    assert not await shipped.holds("nobody has this one")
    assert open_known_passwords(None).common is shipped.common


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("count", [1, 2, 3, 100, 5_000])
async def test_a_file_of_hashes_finds_each_of_its_passwords_and_no_other(
    tmp_path: Path, newline: str, count: int
) -> None:
    passwords = [f"password number {number}" for number in range(count)]
    known = open_known_passwords(written(tmp_path, hash_lines(passwords, newline)))
    try:
        assert isinstance(known, HashFile)
        for password in {passwords[0], passwords[-1], passwords[count // 2]}:
            assert await known.holds(password)
            assert await known.holds(password.upper())
        assert not await known.holds("another one")
        # Patterns are looked for with words, which hashes are not.
        assert "monkey" in known.common
    finally:
        known.close()


@given(st.lists(st.integers(0, 2**160 - 1), min_size=1, max_size=60, unique=True), st.integers(0, 2**160 - 1))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_search_agrees_with_a_set(tmp_path: Path, numbers: list[int], other: int) -> None:
    lines = sorted(f"{number:040X}" for number in numbers)
    ends = [":1\n", ":123456789\r\n"]
    file = written(tmp_path, "".join(line + ends[int(line[-1], 16) % 2] for line in lines).encode())
    descriptor = os.open(file, os.O_RDONLY)
    try:
        assert all(find_hash(descriptor, line) for line in lines)
        assert find_hash(descriptor, f"{other:040X}") == (other in numbers)
    finally:
        os.close(descriptor)


async def test_a_list_of_words_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    known = open_known_passwords(written(tmp_path, b"Ein langes Geheimnis\r\nkartoffelsalat\n\n"))
    assert await known.holds("ein langes geheimnis")
    assert not await known.holds("manchesterunited")
    assert "kartoffelsalat" in known.common


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"", "empty"),
        (hash_lines(["a", "b"]) + b"not a hash\n", "line 3"),
        (b"F" * 40 + b":1\n" + b"0" * 40 + b":1\n", "line 2 is out of order"),
        (b"0" * 40 + b":1\n" + b"0" * 40 + b":1\n", "line 2 is out of order"),
        (b"0" * 40 + b":1\n" + b"1" * 41 + b":1\n", "line 2"),
        (b"8846F7EAEE8FB117AD06BDD830B7586C:9\n", "NTLM"),
        (b"word\n" + hash_lines(["a"]), "line 2 holds a hash"),
        (b"word\n\xff\xfe\n", "line 2 is not UTF-8"),
        (b"word\nwo\x00rd\n", "line 2"),
    ],
)
def test_a_faulty_list_ends_the_start_and_names_the_variable_and_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, where: str
) -> None:
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", "postgresql://unused")
    monkeypatch.setenv("HEARTHGATE_CONTACT_KEYS", "A" * 43)
    monkeypatch.setenv("HEARTHGATE_BREACHED_PASSWORDS_FILE", str(written(tmp_path, content)))
    with pytest.raises(SystemExit) as ended:
        load_settings(IdentitySettings)
    assert ended.value.code == EX_CONFIG
    said = capsys.readouterr().err
    assert "HEARTHGATE_BREACHED_PASSWORDS_FILE" in said
    assert where in said


def test_a_missing_list_ends_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", "postgresql://unused")
    monkeypatch.setenv("HEARTHGATE_CONTACT_KEYS", "A" * 43)
    monkeypatch.setenv("HEARTHGATE_BREACHED_PASSWORDS_FILE", "/nowhere/list.txt")
    with pytest.raises(SystemExit):
        load_settings(IdentitySettings)
    assert "HEARTHGATE_BREACHED_PASSWORDS_FILE: cannot be read: No such file" in capsys.readouterr().err


def test_a_large_file_is_checked_in_places_and_the_place_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_passwords, "_WHOLE_BYTES", 1_000)
    lines = hash_lines([f"number {number}" for number in range(3_000)])
    open_known_passwords(written(tmp_path, lines)).close()
    half = lines.index(b"\n", len(lines) // 2) + 1
    with pytest.raises(ListError, match=r"the line at byte .* out of order"):
        open_known_passwords(written(tmp_path, lines[half:] + lines[:half]))


@pytest.mark.parametrize("left", [0, 700])
async def test_a_file_that_is_cut_short_later_refuses_to_say_that_a_password_is_unknown(
    tmp_path: Path, left: int
) -> None:
    file = written(tmp_path, hash_lines([f"number {number}" for number in range(1_000)]))
    known = open_known_passwords(file)
    try:
        os.truncate(file, left)
        with file.open("ab") as broken:
            broken.write(b"\n" + b"garbage " * 2_000)
        with pytest.raises(ServiceError) as caught:
            await known.holds("nobody has this one")
        assert caught.value.reason is ErrorReason.DEPENDENCY_UNAVAILABLE
    finally:
        known.close()
