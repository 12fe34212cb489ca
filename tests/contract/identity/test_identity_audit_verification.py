"""Somebody with every right to the database damages the audit log; the verification names what, and where."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.identity.anchor_file import AnchorFile
from services.identity.audit_anchoring import anchor, anchor_if_due, write_out
from services.identity.audit_keys import AuditKeys
from services.identity.domain.audit import AuditEvent
from services.identity.domain.audit_findings import Damage
from tests.contract.identity.audit_world import anchored, damages, household, owner, subject_of, tamper, verified
from tests.contract.identity.identity_world import World

SET_HEAD_BACK = """
update audit_subject s set sequence = e.sequence, head_hash = e.hash, anchored_sequence = e.sequence
from (select subject_id, sequence, hash from audit_event where subject_id = $1 order by sequence desc limit 1) e
where s.subject_id = e.subject_id
"""
Where = tuple[Damage, int | None]


async def test_an_untouched_log_is_sound(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    await household(world, path)
    report = await verified(world, path, later=timedelta(days=30))
    assert report.findings == []
    assert (report.subjects, report.events, report.anchors) == (2, 10, 2)
    assert report.newest is not None
    assert report.newest.number == 2
    # What happened since the last anchor is no damage either, until it should have been anchored.
    await world.active(email="carol@example.com")
    assert (await verified(world, path)).sound
    assert {each[0] for each in damages(await verified(world, path, later=timedelta(hours=2)))} == {Damage.NOT_ANCHORED}


TAMPERING: dict[str, tuple[list[str], set[Where]]] = {
    "an event's kind is edited": (
        ["update audit_event set kind = 'SIGN_IN_SUCCEEDED' where subject_id = $1 and sequence = 4"],
        {(Damage.EVENT_ALTERED, 4)},
    ),
    "an event's time is edited": (
        ["update audit_event set event_time = event_time + interval '1 us' where subject_id = $1 and sequence = 2"],
        {(Damage.EVENT_ALTERED, 2)},
    ),
    "an event's device is another's": (
        ["update audit_event set device = '\\x00' where subject_id = $1 and sequence = 5"],
        {(Damage.EVENT_ALTERED, 5)},
    ),
    "an event in the middle is deleted": (
        ["delete from audit_event where subject_id = $1 and sequence = 3"],
        {(Damage.EVENT_MISSING, 3)},
    ),
    "the first event is deleted": (
        ["delete from audit_event where subject_id = $1 and sequence = 1"],
        {(Damage.EVENT_MISSING, 1)},
    ),
    "an event is deleted and those after it move up": (
        [
            "delete from audit_event where subject_id = $1 and sequence = 5",
            "update audit_event set sequence = 5 where subject_id = $1 and sequence = 6",
            SET_HEAD_BACK,
        ],
        {(Damage.EVENT_ALTERED, 5), (Damage.LINK_BROKEN, 5), (Damage.TAIL_MISSING, 6)},
    ),
    "the tail is cut off": (
        ["delete from audit_event where subject_id = $1 and sequence >= 5"],
        {(Damage.TAIL_MISSING, 5), (Damage.TAIL_MISSING, 6)},
    ),
    "the tail is cut off and the head set back": (
        ["delete from audit_event where subject_id = $1 and sequence >= 5", SET_HEAD_BACK],
        {(Damage.TAIL_MISSING, 6)},
    ),
    "the whole chain is deleted": (
        ["delete from audit_event where subject_id = $1", "delete from audit_subject where subject_id = $1"],
        {(Damage.CHAIN_MISSING, 6)},
    ),
    "the whole chain is deleted but its head": (
        ["delete from audit_event where subject_id = $1"],
        {(Damage.CHAIN_MISSING, 1), (Damage.CHAIN_MISSING, 6)},
    ),
    "the head alone is deleted": (
        ["delete from audit_subject where subject_id = $1"],
        {(Damage.HEAD_MISSING, 6)},
    ),
    "two events change places": (
        [
            "update audit_event set sequence = 100 where subject_id = $1 and sequence = 4",
            "update audit_event set sequence = 4 where subject_id = $1 and sequence = 5",
            "update audit_event set sequence = 5 where subject_id = $1 and sequence = 100",
        ],
        {(Damage.EVENT_ALTERED, 4), (Damage.EVENT_ALTERED, 5), (Damage.LINK_BROKEN, 4), (Damage.LINK_BROKEN, 5)}
        | {(Damage.LINK_BROKEN, 6)},
    ),
    "an event is put in at the end, its hash made without the key": (
        [
            """insert into audit_event
            select subject_id, 7, 'PASSWORD_SET', event_time, actor, device, session, object, '{}', hash, key_id,
                   sha256(hash)
            from audit_event where subject_id = $1 and sequence = 6""",
            SET_HEAD_BACK,
        ],
        {(Damage.EVENT_ALTERED, 7)},
    ),
    "everything is truncated": (
        ["delete from audit_event where $1::uuid is not null", "delete from audit_subject where $1::uuid is not null"],
        {(Damage.CHAIN_MISSING, 6)},
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_the_owner_of_the_tables_cannot_damage_a_chain_unseen(world: World, tmp_path: Path, what: str) -> None:
    statements, expected = TAMPERING[what]
    path = tmp_path / "anchors.jsonl"
    subject_id, other = await household(world, path)
    assert (await verified(world, path)).sound
    await tamper(world, *statements, args=[subject_id])
    found = damages(await verified(world, path))
    mine = {(damage, sequence) for damage, subject, sequence in found if subject == subject_id}
    assert mine == expected
    if "everything" not in what:
        assert all(subject == subject_id for _, subject, _ in found)
    else:
        assert (Damage.CHAIN_MISSING, other, 4) in found


async def test_an_event_moved_to_another_account_is_named_in_both(world: World, tmp_path: Path) -> None:
    subject_id, other = await household(world, tmp_path / "anchors.jsonl")
    move = "update audit_event set subject_id = $2, sequence = 5 where subject_id = $1 and sequence = 6"
    await tamper(world, move, args=[subject_id, other])
    found = damages(await verified(world, tmp_path / "anchors.jsonl"))
    assert {(Damage.TAIL_MISSING, subject_id, 6), (Damage.EVENT_ALTERED, other, 5)} <= found


async def test_two_accounts_whose_chains_were_exchanged_are_both_named(world: World, tmp_path: Path) -> None:
    subject_id, other = await household(world, tmp_path / "anchors.jsonl")
    exchange = """
    update audit_subject a set subject_id = b.subject_id, salt = b.salt, sequence = b.sequence, head_hash = b.head_hash
    from audit_subject b
    where a.subject_id <> b.subject_id and a.subject_id in ($1, $2) and b.subject_id in ($1, $2)"""
    await tamper(world, exchange, args=[subject_id, other])
    found = damages(await verified(world, tmp_path / "anchors.jsonl"))
    assert found == {(Damage.ACCOUNT_ALTERED, subject_id, 1), (Damage.ACCOUNT_ALTERED, other, 1)}


async def test_a_chain_whose_account_was_taken_away_without_erasing_it_is_named(world: World, tmp_path: Path) -> None:
    subject_id, _ = await household(world, tmp_path / "anchors.jsonl")
    take_away = """
    with gone as (delete from audit_subject where subject_id = $1 returning *)
    insert into audit_closed_subject select subject_id, sequence, head_hash, anchored_sequence, now() from gone"""
    await tamper(world, take_away, args=[subject_id])
    found = damages(await verified(world, tmp_path / "anchors.jsonl"))
    assert found == {(Damage.ACCOUNT_ALTERED, subject_id, 6)}


async def test_whoever_has_the_key_of_events_is_betrayed_by_the_anchor(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    subject_id, _ = await household(world, path)
    keys = world.identity.audit_keys
    async with owner(world) as connection:
        rows = await connection.fetch("select * from audit_event where subject_id = $1 order by sequence", subject_id)
        previous = rows[0]["previous_hash"]
        for row in rows:
            event = AuditEvent.from_row(row)
            forged = keys.seal(replace(event, actor="operator", previous_hash=previous))
            previous = forged.hash
            await connection.execute(
                "update audit_event set actor = 'operator', previous_hash = $3, hash = $4"
                " where subject_id = $1 and sequence = $2",
                *(subject_id, event.sequence, forged.previous_hash, forged.hash),
            )
        await connection.execute(SET_HEAD_BACK, subject_id)
    assert damages(await verified(world, path)) == {(Damage.CHAIN_REWRITTEN, subject_id, 6)}


async def test_leaves_that_were_edited_removed_or_added_do_not_give_their_anchors_root(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "anchors.jsonl"
    subject_id, other = await household(world, path)
    # Both are cut short and the anchor's leaves made to fit: the anchor outside has the root.
    await tamper(world, "delete from audit_event where subject_id = $1 and sequence = 6", args=[subject_id])
    await tamper(world, SET_HEAD_BACK, args=[subject_id])
    fit = """update audit_anchor_leaf l set sequence = s.sequence, hash = s.head_hash
             from audit_subject s where s.subject_id = l.subject_id and l.subject_id = $1"""
    await tamper(world, fit, args=[subject_id])
    found = await verified(world, path)
    assert [(each.damage, each.anchor) for each in found.findings] == [(Damage.LEAVES_ALTERED, 1)]
    await tamper(world, "delete from audit_anchor_leaf where subject_id = $1", args=[other])
    found = await verified(world, path)
    assert [(each.damage, each.anchor) for each in found.findings[:2]] == [
        (Damage.LEAVES_ALTERED, 1),
        (Damage.LEAVES_ALTERED, 2),
    ]


async def test_a_chain_that_was_kept_out_of_the_anchors_is_named(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    await household(world, path)
    account_id = await world.active(email="carol@example.com")
    kept_out = await subject_of(world, account_id)
    await tamper(world, "update audit_subject set anchored_sequence = 99 where subject_id = $1", args=[kept_out])
    await anchored(world, path)
    assert (await verified(world, path)).sound
    found = damages(await verified(world, path, later=timedelta(hours=2)))
    assert found == {(Damage.NOT_ANCHORED, kept_out, 1)}


def cut_last(lines: list[str]) -> list[str]:
    """Without the newest anchor."""
    return lines[:-1]


def cut_first(lines: list[str]) -> list[str]:
    """Without the oldest."""
    return lines[1:]


def edited(lines: list[str]) -> list[str]:
    """With another root in the newest."""
    record = json.loads(lines[-1])
    return [*lines[:-1], json.dumps(record | {"root": "00" * 32})]


def emptied(lines: list[str]) -> list[str]:
    """With nothing in it."""
    return []


@pytest.mark.parametrize(
    ("damage_file", "expected"),
    [
        (cut_last, {(Damage.ANCHOR_MISSING, 2)}),
        (cut_first, {(Damage.ANCHOR_MISSING, 1)}),
        (edited, {(Damage.ANCHOR_ALTERED, 2), (Damage.ANCHOR_MISSING, 2)}),
        (emptied, {(Damage.ANCHOR_MISSING, 1), (Damage.ANCHOR_MISSING, 2)}),
    ],
)
async def test_an_anchor_file_that_was_edited_or_cut_is_found(
    world: World, tmp_path: Path, damage_file: Callable[[list[str]], list[str]], expected: set[Where]
) -> None:
    path = tmp_path / "anchors.jsonl"
    await household(world, path)
    path.write_text("".join(f"{line}\n" for line in damage_file(path.read_text().splitlines())))
    report = await verified(world, path, later=timedelta(minutes=10))
    assert {(each.damage, each.anchor) for each in report.findings} == expected


async def test_anchors_taken_from_the_database_are_missed_by_the_file_alone(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    subject_id, _ = await household(world, path)
    everything = ["delete from audit_event where subject_id = $1", "delete from audit_subject where subject_id = $1"]
    leaves = [f"delete from {table} where $1::uuid is not null" for table in ("audit_anchor_leaf", "audit_anchor")]  # noqa: S608
    await tamper(world, *everything, *leaves, args=[subject_id])
    assert (await verified(world, None)).sound
    found = {(each.damage, each.anchor) for each in (await verified(world, path)).findings}
    assert {(Damage.ANCHOR_MISSING, 1), (Damage.LEAVES_ALTERED, 1), (Damage.ANCHOR_MISSING, 2)} <= found


# Anchoring


async def test_anchors_are_made_once_an_interval_and_only_of_what_changed(world: World) -> None:
    every = timedelta(minutes=5)
    await anchor_if_due(world.identity, every=every)
    assert (await verified(world)).anchors == 0
    account_id = await world.active()
    await anchor_if_due(world.identity, every=every)
    await world.open(account_id)
    await anchor_if_due(world.identity, every=every)
    assert (await verified(world)).anchors == 1
    world.clock.advance(every)
    await anchor_if_due(world.identity, every=every)
    world.clock.advance(every)
    await anchor_if_due(world.identity, every=every)
    report = await verified(world)
    assert (report.anchors, report.sound) == (2, True)


async def test_replicas_that_anchor_at_once_leave_one_row_of_anchors(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    for number in range(3):
        await world.active(email=f"owner{number}@example.com")
        await asyncio.gather(*(anchor(world.identity) for _ in range(4)))
        await asyncio.gather(*(write_out(world.identity, path) for _ in range(4)))
    numbers = [each.number for each in AnchorFile(path).read()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 3
    assert (await verified(world, path, later=timedelta(days=1))).sound


async def test_a_file_that_fell_behind_gets_what_it_lacks(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    await household(world, path)
    await world.active(email="carol@example.com")
    await anchor(world.identity)
    assert await write_out(world.identity, path) == 1
    assert await write_out(world.identity, path) == 0
    assert await write_out(world.identity, None) == 0
    assert (await verified(world, path, later=timedelta(days=1))).anchors == 3


async def test_chains_and_anchors_stay_verifiable_after_the_keys_were_rotated(world: World, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    await household(world, path)
    old = world.identity
    rotated = AuditKeys.from_texts("new:" + "B" * 43, "first:" + "A" * 43)
    world.identity = replace(old, audit_keys=rotated)
    assert await anchor(world.identity) == 0
    assert (await verified(world, path)).sound
    world.identity = replace(old, audit_keys=AuditKeys.from_texts("new:" + "B" * 43))
    found = {each.damage for each in (await verified(world, path)).findings}
    assert {Damage.KEY_UNKNOWN, Damage.ANCHOR_ALTERED} <= found
