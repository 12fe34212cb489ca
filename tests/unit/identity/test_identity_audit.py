"""The audit log's rules: what an event may say, and that no single damage to a chain goes unseen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.redaction import redact_text
from services.identity.anchor_file import AnchorFile, AnchorFileError
from services.identity.audit_keys import AuditKeys
from services.identity.audit_verification import MOST_FINDINGS, Report
from services.identity.domain.audit import AuditEvent, AuditKind, Head, Standing, Subject, canonical_details, genesis
from services.identity.domain.audit_anchor import FIRST_PREVIOUS, Anchor, merkle_root
from services.identity.domain.audit_findings import (
    ChainCheck,
    Damage,
    Finding,
    Leaf,
    check_anchors,
    compare_anchors,
)
from services.identity.domain.failed_sign_ins import MOST_ACCOUNTS, FailedSignIns

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEYS = AuditKeys([b"k" * 32])
FORGER = AuditKeys([b"f" * 32])
SUBJECT = UUID(int=7)
GENESIS = genesis(UUID(int=1), b"1" * 32)


def chain(length: int, keys: AuditKeys = KEYS) -> list[AuditEvent]:
    """A sound chain."""
    events: list[AuditEvent] = []
    for number in range(1, length + 1):
        event = AuditEvent(
            subject_id=SUBJECT,
            sequence=number,
            kind=AuditKind.SESSION_OPENED,
            time=NOW + timedelta(seconds=number),
            actor="gateway",
            device=bytes([number % 256]) * 16,
            details=canonical_details({"count": number}),
            previous_hash=events[-1].hash if events else GENESIS,
        )
        events.append(keys.seal(event))
    return events


def head_of(events: Sequence[AuditEvent]) -> Head:
    """Where a chain ends."""
    return Head(subject_id=SUBJECT, sequence=events[-1].sequence, hash=events[-1].hash)


def check(
    events: Sequence[AuditEvent],
    head: Head | None,
    anchored: Sequence[Head] = (),
    settled_before: datetime | None = None,
) -> list[Finding]:
    """What a verification finds; the anchors are numbered from 1."""
    leaves = [Leaf(anchor=number, head=each) for number, each in enumerate(anchored, start=1)]
    standings = [Standing(head=head, genesis=GENESIS)] if head is not None else []
    looking = ChainCheck(SUBJECT, standings, leaves, KEYS.authentic)
    found = [finding for event in events for finding in looking.take(event)]
    return found + list(looking.finish(settled_before))


def damages(found: Sequence[Finding]) -> set[tuple[Damage, int | None]]:
    """The sorts of damage and their places."""
    return {(each.damage, each.sequence) for each in found}


lengths = st.integers(min_value=1, max_value=12)


@given(length=lengths)
def test_an_untouched_chain_is_sound(length: int) -> None:
    events = chain(length)
    assert check(events, head_of(events), [head_of(events[: length // 2 + 1])]) == []


EDITS: dict[str, Any] = {
    "kind": "PASSWORD_SET",
    "time": NOW,
    "actor": "operator",
    "device": b"",
    "session": b"s" * 16,
    "object": b"o" * 16,
    "details": "{}",
    "previous_hash": b"p" * 32,
    "hash": b"h" * 32,
    "key_id": b"none",
    "subject_id": UUID(int=8),
}


@given(data=st.data(), length=lengths, field=st.sampled_from(sorted(EDITS)))
def test_any_edit_of_any_field_of_any_event_is_found_in_its_place(data: st.DataObject, length: int, field: str) -> None:
    events = chain(length)
    place = data.draw(st.integers(0, length - 1))
    head = head_of(events)
    events[place] = replace(events[place], **{field: EDITS[field]})
    assert place + 1 in {finding.sequence for finding in check(events, head)}


@given(data=st.data(), length=st.integers(2, 12))
def test_any_deletion_is_found_even_where_the_head_is_mended(data: st.DataObject, length: int) -> None:
    events = chain(length)
    head = head_of(events)
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first, length - 1))
    left = events[:first] + events[last + 1 :]
    # The cleverest mending: the head says what is left. Only the anchor knows better where the tail is gone.
    mended = head_of(left) if left else None
    found = damages(check(left, mended, [head]))
    assert found, (first, last)
    if last < length - 1:
        assert (Damage.EVENT_MISSING, first + 1) in found
    elif left:
        assert (Damage.TAIL_MISSING, length) in found
    else:
        assert found == {(Damage.CHAIN_MISSING, length)}


@given(data=st.data(), length=st.integers(2, 12))
def test_a_truncation_is_found_by_the_head_that_was_left_alone(data: st.DataObject, length: int) -> None:
    events = chain(length)
    kept = data.draw(st.integers(1, length - 1))
    assert damages(check(events[:kept], head_of(events))) == {(Damage.TAIL_MISSING, kept + 1)}


@given(data=st.data(), length=st.integers(2, 12))
def test_two_events_that_change_places_are_both_named(data: st.DataObject, length: int) -> None:
    events = chain(length)
    one, other = sorted(data.draw(st.lists(st.integers(0, length - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(events)
    swapped[one] = replace(events[other], sequence=one + 1)
    swapped[other] = replace(events[one], sequence=other + 1)
    found = damages(check(swapped, head_of(events)))
    assert {(Damage.EVENT_ALTERED, one + 1), (Damage.EVENT_ALTERED, other + 1)} <= found


@given(length=lengths)
def test_a_chain_forged_without_the_key_is_told_from_a_real_one(length: int) -> None:
    forged = chain(length, FORGER)
    found = damages(check(forged, head_of(forged)))
    assert found == {(Damage.KEY_UNKNOWN, number) for number in range(1, length + 1)}
    claimed = [replace(event, key_id=chain(1)[0].key_id) for event in forged]
    assert (Damage.EVENT_ALTERED, 1) in damages(check(claimed, head_of(claimed)))


def test_a_chain_rewritten_with_the_key_is_found_by_its_anchor() -> None:
    events = chain(3)
    rewritten = [KEYS.seal(replace(events[0], actor="operator"))]
    for event in events[1:]:
        rewritten.append(KEYS.seal(replace(event, previous_hash=rewritten[-1].hash)))
    assert check(rewritten, head_of(rewritten)) == []
    found = check(rewritten, head_of(rewritten), [head_of(events[:2])])
    assert [(each.damage, each.sequence, each.anchor) for each in found] == [(Damage.CHAIN_REWRITTEN, 2, 1)]


def test_what_was_cut_off_before_it_was_anchored_leaves_no_trace_when_the_head_was_set_back() -> None:
    """The limit that the README names; if this fails, mend the README."""
    events = chain(5)
    assert check(events[:4], head_of(events[:4]), [head_of(events[:4])]) == []


def test_events_that_should_have_been_anchored_long_ago_are_named() -> None:
    events = chain(4)
    anchored = [head_of(events[:2])]
    assert check(events, head_of(events), anchored, settled_before=NOW + timedelta(seconds=3)) == []
    found = check(events, head_of(events), anchored, settled_before=NOW + timedelta(hours=1))
    assert damages(found) == {(Damage.NOT_ANCHORED, 3)}


def test_a_head_that_is_gone_or_set_back_or_altered_is_named() -> None:
    events = chain(3)
    assert damages(check(events, None)) == {(Damage.HEAD_MISSING, 3)}
    assert damages(check(events, head_of(events[:2]))) == {(Damage.HEAD_ALTERED, 3)}
    assert damages(check(events, replace(head_of(events), hash=GENESIS))) == {(Damage.HEAD_ALTERED, 3)}
    assert damages(check([], head_of(events))) == {(Damage.CHAIN_MISSING, 1)}


def test_a_chain_that_is_said_to_be_of_another_account_is_named() -> None:
    events = chain(2)

    def of(*begun_with: bytes | None) -> set[tuple[Damage, int | None]]:
        standings = [Standing(head=head_of(events), genesis=each) for each in begun_with]
        looking = ChainCheck(SUBJECT, standings, [], KEYS.authentic)
        return damages([finding for event in events for finding in looking.take(event)])

    assert of(GENESIS) == of(None) == set()
    for wrong in ([genesis(UUID(int=2), b"1" * 32)], [genesis(UUID(int=1), b"2" * 32)], [GENESIS, GENESIS]):
        assert of(*wrong) == {(Damage.ACCOUNT_ALTERED, 1)}


def test_a_report_counts_everything_and_shows_the_first_thousand() -> None:
    report = Report()
    assert report.sound
    report.add(Finding(damage=Damage.KEY_UNKNOWN, text="") for _ in range(MOST_FINDINGS + 5))
    assert (report.found, len(report.findings), report.sound) == (MOST_FINDINGS + 5, MOST_FINDINGS, False)


# What an event may say


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "+4915112345678",
        "4915112345678",
        "192.0.2.7",
        "2001:db8::7",
        "hgs1.a.b",
        "two words",
        "",
        "ä",
    ],
)
def test_addresses_numbers_and_tokens_do_not_fit_into_details(text: str) -> None:
    with pytest.raises(ValueError, match="plain word") as caught:
        canonical_details({"what": text})
    assert not text or text not in str(caught.value)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True), st.integers() | st.booleans(), max_size=8))
def test_details_have_one_form_whatever_their_order(details: dict[str, int | bool]) -> None:
    backwards = dict(reversed(details.items()))
    assert canonical_details(details) == canonical_details(backwards)
    assert json.loads(canonical_details(details)) == details


def test_pseudonyms_of_one_device_differ_between_accounts_and_sorts() -> None:
    head = Head(subject_id=SUBJECT, sequence=0, hash=GENESIS)
    one, other = Subject(head=head, salt=b"1" * 32), Subject(head=head, salt=b"2" * 32)
    made = {each.pseudonym(sort, "tv") for each in (one, other) for sort in ("device", "session")}
    assert len(made) == 4
    assert one.pseudonym("device", None) == one.pseudonym("device", "") == b""
    assert "1111" not in repr(one)


def test_events_of_older_masters_are_verified_and_the_first_one_seals() -> None:
    (event,) = chain(1)
    rotated = AuditKeys([b"n" * 32, b"k" * 32])
    assert rotated.authentic(event) is True
    assert KEYS.authentic(rotated.seal(event)) is None
    assert AuditKeys.from_texts("", "a:" + "A" * 43).public_jwks()[0]["crv"] == "Ed25519"
    with pytest.raises(ValueError, match="no key"):
        AuditKeys.from_texts("", "")


def test_failed_sign_ins_are_counted_and_bounded() -> None:
    failed, account_id = FailedSignIns(), uuid4()
    failed.note(account_id)
    failed.note(account_id)
    for number in range(MOST_ACCOUNTS + 5):
        failed.note(UUID(int=number))
    taken = failed.take()
    assert taken[account_id] == 2
    assert len(taken) == MOST_ACCOUNTS
    assert not failed.take()


# Anchors

# Roots of the eight inputs that the tests of Certificate Transparency (RFC 6962) use.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_the_tree_is_that_of_certificate_transparency(size: int) -> None:
    leaves = [sha256(b"\x00" + bytes.fromhex(each)).digest() for each in INPUTS[:size]]
    assert merkle_root(leaves).hex() == ROOTS[size]


def anchors(count: int, keys: AuditKeys = KEYS) -> list[Anchor]:
    """A row of anchors, an hour apart."""
    made: list[Anchor] = []
    for number in range(1, count + 1):
        anchor = Anchor(
            number=number,
            time=NOW + timedelta(hours=number),
            batch_id=UUID(int=number),
            leaf_count=number,
            root=bytes([number]) * 32,
            previous_hash=made[-1].hash() if made else FIRST_PREVIOUS,
            key_id="",
        )
        made.append(keys.sign(anchor))
    return made


def test_an_anchor_is_read_back_from_its_record_and_from_a_line_of_the_log() -> None:
    (anchor,) = anchors(1)
    assert Anchor.parse(anchor.record()) == anchor
    # The log hides what looks like an address or a number: nothing in a record may.
    line = json.dumps({"event": "audit anchor", "record": redact_text(anchor.record())})
    assert Anchor.parse(line) == anchor
    assert KEYS.signed(anchor)


@pytest.mark.parametrize("line", ["", "{}", "[]", "nonsense", '{"anchor": 1}', '{"record": 5}', "null"])
def test_a_line_without_an_anchor_is_none(line: str) -> None:
    assert Anchor.parse(line) is None


def places(found: Sequence[Finding]) -> set[tuple[Damage, int | None]]:
    """The sorts of damage, and the anchors."""
    return {(each.damage, each.anchor) for each in found}


@given(data=st.data(), count=st.integers(1, 6))
def test_an_edited_or_missing_anchor_is_found_in_its_place(data: st.DataObject, count: int) -> None:
    row = anchors(count)
    assert check_anchors(row, KEYS.signed, "here")[1] == []
    # One that was written twice, after a crash, is none the worse.
    assert check_anchors([*row, row[-1]], KEYS.signed, "here")[1] == []
    place = data.draw(st.integers(0, count - 1))
    edited = [*row[:place], replace(row[place], root=b"r" * 32), *row[place + 1 :]]
    assert (Damage.ANCHOR_ALTERED, place + 1) in places(check_anchors(edited, KEYS.signed, "here")[1])
    rest = row[:place] + row[place + 1 :]
    if place < count - 1:
        assert (Damage.ANCHOR_MISSING, place + 1) in places(check_anchors(rest, KEYS.signed, "here")[1])
    outside, _ = check_anchors(rest, KEYS.signed, "here")
    inside, _ = check_anchors(row, KEYS.signed, "there")
    late = NOW + timedelta(days=1)
    if place == count - 1:
        assert places(list(compare_anchors(outside, inside, under_way_since=late))) == {(Damage.ANCHOR_MISSING, count)}
        # It may be on its way.
        assert list(compare_anchors(outside, inside, under_way_since=NOW)) == []
    assert (Damage.ANCHOR_MISSING, place + 1) in places(list(compare_anchors(inside, outside, under_way_since=late)))


def test_anchors_signed_by_us_that_do_not_follow_from_one_another_are_named() -> None:
    row = anchors(3)
    other = KEYS.sign(replace(row[1], root=b"o" * 32))
    assert places(check_anchors([row[0], other, row[2]], KEYS.signed, "here")[1]) == {(Damage.ANCHOR_ALTERED, 3)}
    assert (Damage.ANCHOR_ALTERED, 2) in places(check_anchors([*row, other], KEYS.signed, "here")[1])
    assert places(check_anchors(anchors(1, FORGER), KEYS.signed, "here")[1]) == {(Damage.ANCHOR_ALTERED, 1)}


def test_the_anchor_file_takes_each_anchor_once_and_goes_on_after_a_line_cut_short(tmp_path: Path) -> None:
    file, row = AnchorFile(tmp_path / "anchors.jsonl"), anchors(4)
    assert file.last_number() == 0
    assert file.append(row[:2]) == 2
    assert file.append(row[:3]) == 1
    with open(tmp_path / "anchors.jsonl", "a") as cut:
        cut.write(row[3].record()[:40])
    assert file.last_number() == 3
    assert file.append(row) == 1
    assert file.read() == row


def test_an_anchor_file_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    file = AnchorFile(tmp_path / "nowhere" / "anchors.jsonl")
    for use in (file.read, lambda: file.append(anchors(1))):
        with pytest.raises(AnchorFileError, match="nowhere"):
            use()
