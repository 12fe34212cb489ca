"""Argon2id in processes of its own, beside which the event loop goes on undisturbed.

In a thread it shares the interpreter's lock and the memory map with the event loop: one that is stopped while it holds
either stops the loop with it. A session of its own gives it one share of the processors, as any other service has.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from libs.runtime.logging import get_logger
from services.identity.argon2id import Argon2idHasher

_WORKER: Final = Path(__file__).with_name("hash_worker.py")
_LOG = get_logger(__name__)


class ProcessHasher:
    """A hasher whose work is done elsewhere; its methods block a thread, which does nothing meanwhile. Close it."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int, processes: int, niceness: int) -> None:
        # Only to compare parameters, which costs nothing.
        self._parameters = Argon2idHasher(memory_kib=memory_kib, passes=passes, lanes=lanes)
        arguments = [str(each) for each in (memory_kib, passes, lanes, niceness)]
        self._command: Final = [sys.executable, "-I", str(_WORKER), *arguments]
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._processes = processes
        # Before there is anything else in this process: one that serves forks less well.
        for _ in range(processes):
            self._idle.put(self._start())

    def hash(self, password: str) -> str:
        """A salted hash in the PHC string format."""
        password_hash = self._ask({"hash": "", "password": password})
        assert isinstance(password_hash, str)
        return password_hash

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether the hash is the password's; a hash of cheaper parameters costs what one of today's would."""
        return self._ask({"hash": password_hash, "password": password}) is True

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than are used now."""
        return self._parameters.outdated(password_hash)

    def close(self) -> None:
        """End the processes. Nothing may be under way."""
        for _ in range(self._processes):
            _end(self._idle.get())

    def _ask(self, question: dict[str, str]) -> Any:
        """The answer. A process that ended is replaced and the next one asked, once; then RuntimeError."""
        line = json.dumps(question).encode() + b"\n"
        for _ in range(2):
            process = self._idle.get()
            try:
                answer = _exchange(process, line)
            except OSError:
                answer = b""
            if answer.endswith(b"\n"):
                self._idle.put(process)
                return json.loads(answer)
            _LOG.error("hashing process ended", exit_code=_end(process))
            self._idle.put(self._start())
        raise RuntimeError("passwords cannot be hashed: the process for it ends at once")

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own file, and numbers
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )


def _exchange(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    process.stdin.flush()
    return process.stdout.readline()


def _end(process: subprocess.Popen[bytes]) -> int:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # What could not be written to it any more.
            with suppress(OSError):
                pipe.close()
    return process.wait()
