"""One zip archive with everything that is held about an account, written as it is read and never held as a whole.

A folder for each service, a file of JSON lines for each kind, a README for the person, and a manifest with the number
of records and the SHA-256 of each file. The archive goes out while it is made, so sizes stand behind each file's data.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any, Final, Self, cast
from uuid import UUID

FORMAT: Final = "hearthgate-export/1"
MANIFEST, README = "manifest.json", "README.txt"
CHUNK_BYTES: Final = 64 * 1024
_TEXT: Final = """What is held about your account
===============================

Account {account_id}, exported at {time} (UTC).

Each folder is one of the services that hold something about you:

  identity            your account, how you are reached, profiles, and the devices that signed in
  device_trust        your devices, when and in which country they were seen, where your household
                      is taken to live, and what each device is taken for, and why
  challenge           the codes, questions and notices that were sent to you, without the codes
  download_planning   what was watched, and what was planned to be downloaded
  gateway             what was decided when somebody pressed play or signed in, and why

Each file has one record a line, in JSON; times are in UTC. manifest.json tells how many records a
file has, its SHA-256, and what is held and not in here, and why: passwords and tokens are kept
as digests only, which nobody can read, and what belongs to other people is not yours to get.
"""


@dataclass(slots=True)
class _File:
    """A file that is being written."""

    service: str
    kind: str
    stream: IO[bytes]
    records: int = 0
    size: int = 0
    digest: Any = field(default_factory=sha256)


class _Outbox:
    """Where the archive is written to, from which it is taken at once. It cannot be rewound, and zipfile copes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        """Keep some bytes until they are taken."""
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """There is nothing behind this."""

    def take(self) -> bytes:
        """What was written since."""
        taken = b"".join(self._parts)
        self._parts, self.size = [], 0
        return taken


class ArchiveWriter:
    """Writes an archive, within a ``with``. Take what has come with :meth:`ready`, and the rest with :meth:`finish`."""

    def __init__(self, account_id: UUID, now: datetime) -> None:
        self._account_id = account_id
        self._time = now.astimezone(UTC)
        self._outbox = _Outbox()
        self._zip = zipfile.ZipFile(cast(IO[bytes], self._outbox), "w", zipfile.ZIP_DEFLATED)
        self._files: list[dict[str, object]] = []
        self._withheld: list[dict[str, str]] = []
        self._current: _File | None = None
        text = _TEXT.format(account_id=account_id, time=self._time.strftime("%Y-%m-%d %H:%M"))
        self._zip.writestr(self._info(README), text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what was begun, where it broke off; what is written by that goes nowhere."""
        self._end_file()
        self._zip.close()

    def add(self, service: str, kind: str, line: str) -> None:
        """One record; those of a kind come one after another."""
        current = self._current
        if current is None or (current.service, current.kind) != (service, kind):
            self._end_file()
            stream = self._zip.open(self._info(_path(service, kind)), "w")
            current = self._current = _File(service, kind, stream)
        data = line.encode() + b"\n"
        current.stream.write(data)
        current.digest.update(data)
        current.records += 1
        current.size += len(data)

    def withhold(self, service: str, kind: str, reason: str) -> None:
        """A kind that is held and not in the archive."""
        self._withheld.append({"service": service, "kind": kind, "reason": reason})

    def ready(self) -> Iterator[bytes]:
        """What can be sent, once it is worth it."""
        if self._outbox.size >= CHUNK_BYTES:
            yield from self._take()

    def finish(self) -> Iterator[bytes]:
        """The manifest, the archive's directory, and with them the rest."""
        self._end_file()
        manifest = {
            "format": FORMAT,
            "account_id": str(self._account_id),
            "export_time": self._time.isoformat().replace("+00:00", "Z"),
            "files": self._files,
            "not_included": self._withheld,
        }
        self._zip.writestr(self._info(MANIFEST), json.dumps(manifest, indent=2, ensure_ascii=False))
        self._zip.close()
        yield from self._take()

    def _take(self) -> Iterator[bytes]:
        data = self._outbox.take()
        yield from (data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))

    def _end_file(self) -> None:
        if self._current is None:
            return
        ended, self._current = self._current, None
        ended.stream.close()
        self._files.append(
            {
                "path": _path(ended.service, ended.kind),
                "service": ended.service,
                "kind": ended.kind,
                "records": ended.records,
                "bytes": ended.size,
                "sha256": ended.digest.hexdigest(),
            }
        )

    def _info(self, path: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(path, self._time.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info


def _path(service: str, kind: str) -> str:
    return f"{service}/{kind}.jsonl"
