"""The archive of an export: whole when finished, and never held as a whole while it is written."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.archive import CHUNK_BYTES, ArchiveWriter

ACCOUNT, NOW = UUID(int=7), datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
_KINDS = st.sampled_from([("identity", "profiles"), ("identity", "sessions"), ("gateway", "decisions")])
_LINES = st.lists(st.text(max_size=40).map(json.dumps), max_size=20)


@given(st.lists(st.tuples(_KINDS, _LINES), unique_by=lambda each: each[0], max_size=3))
def test_every_line_is_in_its_file_and_the_manifest_tells_the_truth(
    content: list[tuple[tuple[str, str], list[str]]],
) -> None:
    pieces: list[bytes] = []
    with ArchiveWriter(ACCOUNT, NOW) as archive:
        for (service, kind), lines in content:
            for line in lines:
                archive.add(service, kind, line)
                pieces += archive.ready()
        archive.withhold("identity", "requests", "Digests.")
        pieces += archive.finish()
    read = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert read.testzip() is None
    manifest = json.loads(read.read("manifest.json"))
    assert (manifest["account_id"], manifest["export_time"]) == (str(ACCOUNT), "2030-01-01T12:30:00Z")
    assert manifest["not_included"] == [{"service": "identity", "kind": "requests", "reason": "Digests."}]
    for (service, kind), lines in content:
        found = [each for each in manifest["files"] if (each["service"], each["kind"]) == (service, kind)]
        assert len(found) == bool(lines)
        for file in found:
            data = read.read(f"{service}/{kind}.jsonl")
            assert data.decode().splitlines() == [json.dumps(json.loads(line)) for line in lines]
            assert (file["records"], file["sha256"]) == (len(lines), sha256(data).hexdigest())


def test_an_archive_of_many_megabytes_goes_out_in_small_pieces() -> None:
    """Random digits, which deflate to about half: ten megabytes go in, and never more than some chunks wait."""
    sizes: list[int] = []
    waiting = 0
    with ArchiveWriter(ACCOUNT, NOW) as archive:
        for number in range(20_000):
            archive.add("gateway", "decisions", sha256(str(number).encode()).hexdigest() * 8)
            ready = list(archive.ready())
            waiting = max(waiting, sum(map(len, ready)))
            sizes += map(len, ready)
        sizes += map(len, archive.finish())
    assert sum(sizes) > 10 * CHUNK_BYTES
    assert max(sizes) <= CHUNK_BYTES
    assert waiting < 4 * CHUNK_BYTES


def test_an_archive_that_broke_off_is_no_zip_file() -> None:
    with ArchiveWriter(ACCOUNT, NOW) as archive:
        archive.add("identity", "profiles", "{}")
        pieces = list(archive.ready())
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(pieces)))
    assert [key for key, _ in groupby(pieces)] == []
