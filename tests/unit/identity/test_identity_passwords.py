"""The bulkhead around password hashing."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.settings import load_settings
from services.identity.hashing_processes import ProcessHasher
from services.identity.main import build_passwords
from services.identity.passwords import Argon2idHasher, Passwords
from services.identity.settings import IdentitySettings


class BlockingHasher:
    """A hasher that works only once it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.verified = 0

    def hash(self, password: str) -> str:
        """Something that verifies."""
        return password

    def verify(self, password_hash: str, password: str) -> bool:
        """Wait to be let, then compare."""
        self.let.wait(10)
        self.verified += 1
        return password_hash == password

    def outdated(self, password_hash: str) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing to do."""


@pytest.fixture
def hasher() -> Iterator[BlockingHasher]:
    """A hasher that is let in the end."""
    blocking = BlockingHasher()
    yield blocking
    blocking.let.set()


@pytest.fixture
def passwords(hasher: BlockingHasher) -> Iterator[Passwords]:
    """One thread and two waiters."""
    bulkhead = Passwords(hasher, threads=1, waiters=2, retry_after=timedelta(seconds=3))
    yield bulkhead
    hasher.let.set()
    bulkhead.close()


async def test_beyond_its_places_a_call_is_shed_at_once_with_a_time_to_come_again(
    passwords: Passwords, hasher: BlockingHasher
) -> None:
    admitted = [asyncio.create_task(passwords.verify("p", "p")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ServiceError) as caught:
        await passwords.verify("p", "p")
    assert (caught.value.reason, caught.value.retry_after) == (ErrorReason.OVERLOADED, timedelta(seconds=3))
    hasher.let.set()
    assert await asyncio.gather(*admitted) == [True] * 3
    assert await passwords.verify("p", "other") is False


async def test_a_caller_who_gave_up_waiting_leaves_a_place_and_no_work(
    passwords: Passwords, hasher: BlockingHasher
) -> None:
    tasks = [asyncio.create_task(passwords.verify("p", "p")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting = tasks[2]
    waiting.cancel()
    await asyncio.wait([waiting])
    admitted = asyncio.create_task(passwords.verify("p", "p"))
    hasher.let.set()
    assert await asyncio.gather(*tasks[:2], admitted) == [True] * 3
    assert hasher.verified == 3


async def test_nobodys_hash_costs_a_verification_and_is_never_right(
    passwords: Passwords, hasher: BlockingHasher
) -> None:
    hasher.let.set()
    assert await passwords.verify(None, "anything") is False
    assert hasher.verified == 1


async def test_what_can_be_left_undone_is_refused_when_others_begin_to_wait(
    passwords: Passwords, hasher: BlockingHasher
) -> None:
    admitted = [asyncio.create_task(passwords.verify("p", "p")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ServiceError) as caught:
        await passwords.hash("p", spare=True)
    assert caught.value.reason is ErrorReason.OVERLOADED
    hasher.let.set()
    assert await asyncio.gather(*admitted) == [True] * 2
    assert await passwords.hash("p", spare=True) == "p"


@pytest.fixture
def elsewhere() -> Iterator[ProcessHasher]:
    """A hasher in a process of its own, cheap in its parameters."""
    made = ProcessHasher(memory_kib=64, passes=1, lanes=1, processes=1, niceness=7)
    yield made
    made.close()


def test_a_hash_made_elsewhere_is_right_for_its_password_alone_whatever_that_holds(elsewhere: ProcessHasher) -> None:
    for password in ("one", "zwei\n", "\x00", "\u2028", "🐕" * 256, '"\\'):
        password_hash = elsewhere.hash(password)
        assert elsewhere.verify(password_hash, password)
        assert not elsewhere.verify(password_hash, password + "!")
        assert not elsewhere.outdated(password_hash)


def test_hashing_steps_back_before_the_rest_of_the_service(elsewhere: ProcessHasher) -> None:
    process = elsewhere._idle.get()
    elsewhere._idle.put(process)
    elsewhere.hash("one")
    assert os.getpriority(os.PRIO_PROCESS, process.pid) - os.getpriority(os.PRIO_PROCESS, 0) == 7


def test_a_hashing_process_that_was_killed_is_replaced_and_the_call_answered(elsewhere: ProcessHasher) -> None:
    password_hash = elsewhere.hash("one")
    process = elsewhere._idle.get()
    process.kill()
    process.wait()
    elsewhere._idle.put(process)
    assert elsewhere.verify(password_hash, "one")


def test_a_hashing_process_that_cannot_work_is_an_error_and_never_a_yes() -> None:
    broken = ProcessHasher(memory_kib=64, passes=1, lanes=1, processes=1, niceness=0)
    try:
        with pytest.raises(RuntimeError):
            broken.verify("this is no hash", "one")
        assert broken.hash("one")
    finally:
        broken.close()


async def test_the_default_parameters_are_those_that_owasp_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", "postgresql://unused")
    monkeypatch.setenv("HEARTHGATE_CONTACT_KEYS", "A" * 43)
    passwords = build_passwords(load_settings(IdentitySettings))
    try:
        password_hash = await passwords.hash("a long and private phrase")
        assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert await passwords.verify(password_hash, "a long and private phrase")
    finally:
        passwords.close()


def test_a_wrong_password_is_an_answer_and_no_error() -> None:
    hasher = Argon2idHasher(memory_kib=64, passes=1, lanes=1)
    assert not hasher.verify(hasher.hash("one"), "another")
