"""The audit log: what is recorded, what never is, who may read it, and that it only grows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.audit import AuditKind
from services.identity.failed_sign_ins import write_failed_sign_ins, writing_failed_sign_ins
from services.identity.use_cases import audit
from services.identity.use_cases.authenticate import authenticate
from tests.contract.identity.audit_world import (
    anchored,
    damages,
    kinds,
    listed,
    owner,
    subject_of,
    verified,
)
from tests.contract.identity.identity_world import EMAIL, PASSWORD, PHONE, World, new_id, refused

OTHER_EMAIL = "grace.hopper@example.org"


async def test_each_change_of_an_account_leaves_its_event_once(world: World) -> None:
    sign_up = world.sign_up()
    account_id = (await world.say("CreateAccount", sign_up)).account_id
    await world.say("CreateAccount", sign_up)
    await world.activate(account_id)
    await world.activate(account_id)
    await world.authenticate()
    opening = pb.OpenSessionRequest(request_id=new_id(), account_id=account_id, device_id="tv", restricted=True)
    await world.say("OpenSession", opening)
    opened = await world.say("OpenSession", opening)
    lift = pb.LiftRestrictionRequest(account_id=account_id, session_id=opened.session.session_id)
    await world.say("LiftRestriction", lift)
    await world.say("LiftRestriction", lift)
    await world.refresh(opened.tokens)
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(opened.tokens)
    await world.open(account_id, "phone")
    assert await world.end(account_id, device_id="phone") == 1
    assert await world.end(account_id, device_id="phone") == 0
    await world.say("SetPassword", pb.SetPasswordRequest(account_id=account_id, password="another private phrase"))
    await world.set_state(account_id, pb.ACCOUNT_STATE_ON_HOLD)
    await world.set_state(account_id, pb.ACCOUNT_STATE_ON_HOLD)
    await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)
    assert await kinds(world, account_id) == [
        "ACCOUNT_CREATED",
        "CONTACT_VERIFIED",
        "ACCOUNT_ACTIVATED",
        "SIGN_IN_SUCCEEDED",
        "SESSION_OPENED",
        "RESTRICTION_LIFTED",
        "TOKEN_REUSED",
        "SESSION_OPENED",
        "SESSIONS_ENDED",
        "PASSWORD_SET",
        "ACCOUNT_STATE_SET",
        "ACCOUNT_STATE_SET",
    ]
    assert (await verified(world)).sound


async def test_a_profile_that_moves_is_told_in_both_accounts_and_links_neither(world: World) -> None:
    source, target = await world.active(), await world.active(email=OTHER_EMAIL)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target, dry_run=True)
    await world.move(source, profile.profile_id, target)
    await world.move(source, profile.profile_id, target)
    assert (await kinds(world, source))[-2:] == ["PROFILE_CREATED", "PROFILE_MOVED_OUT"]
    assert (await kinds(world, target))[-1] == "PROFILE_MOVED_IN"
    out, into = (await listed(world, source)).events[0], (await listed(world, target)).events[0]
    assert out.object_pseudonym
    assert out.object_pseudonym != into.object_pseudonym
    assert out.object_pseudonym == (await listed(world, source)).events[1].object_pseudonym


async def test_what_fails_leaves_no_event(world: World) -> None:
    account_id = await world.active()
    before = await kinds(world, account_id)
    for number in range(5):
        if number < 4:
            await world.profile(account_id)
        else:
            with refused(ErrorReason.LIMIT_EXCEEDED):
                await world.profile(account_id)
    assert await kinds(world, account_id) == [*before, *["PROFILE_CREATED"] * 4]


async def test_the_operator_alone_reads_events_page_by_page_with_the_names_that_are_still_known(world: World) -> None:
    account_id = await world.active()
    session = (await world.open(account_id, "living-room")).session
    await world.end(account_id, session_id=session.session_id)
    first = await listed(world, account_id, page_size=3)
    second = await listed(world, account_id, page_size=3, page_token=first.next_page_token)
    assert [event.sequence for event in [*first.events, *second.events]] == [5, 4, 3, 2, 1]
    assert second.next_page_token == ""
    ended, opened = first.events[0], first.events[1]
    assert (opened.device_id, opened.session_id, opened.actor) == ("living-room", session.session_id, "gateway")
    assert (ended.session_id, ended.device_pseudonym) == (session.session_id, "")
    assert json.loads(ended.details) == {"count": 1, "reason": "SIGNED_OUT"}
    assert all(event.authentic for event in first.events)
    for caller in ("gateway", "challenge"):
        with refused(ErrorReason.CALLER_NOT_ALLOWED):
            await listed(world, account_id, caller)


async def test_reading_names_what_is_wrong_with_the_request(world: World) -> None:
    account_id = await world.active()
    with refused(ErrorReason.NOT_FOUND):
        await listed(world, new_id())
    with refused(ErrorReason.INVALID_FIELD, "account_id"):
        await listed(world, "1")
    for token in ("0", "-1", "x", "9" * 20):
        with refused(ErrorReason.INVALID_FIELD, "page_token"):
            await listed(world, account_id, page_token=token)
    with refused(ErrorReason.INVALID_FIELD, "page_size"):
        await listed(world, account_id, page_size=501)


async def test_an_event_that_was_edited_is_shown_as_not_authentic(world: World) -> None:
    account_id = await world.active()
    async with owner(world) as connection:
        await connection.execute("update audit_event set actor = 'operator' where sequence = 2")
    shown = {event.sequence: event.authentic for event in (await listed(world, account_id)).events}
    assert shown == {1: True, 2: False, 3: True}


# Failed sign-ins


class Watched:
    """A database that notes the name of each statement."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def fetch(self, sql: str, *args: Any) -> Any:
        """Note and run."""
        return await self._run("fetch", sql, args)

    async def fetch_row(self, sql: str, *args: Any) -> Any:
        """Note and run."""
        return await self._run("fetch_row", sql, args)

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """Note and run."""
        return await self._run("fetch_value", sql, args)

    async def execute(self, sql: str, *args: Any) -> Any:
        """Note and run."""
        return await self._run("execute", sql, args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Note, and note what is run within."""
        self.names.append("begin")
        async with self._inner.transaction() as transaction:
            inside = Watched(transaction)
            inside.names = self.names
            yield inside

    async def _run(self, method: str, sql: str, args: Any) -> Any:
        self.names.append(sql.split("/* ")[1].split(":")[0])
        return await getattr(self._inner, method)(sql, *args)


async def statements(world: World, email: str, password: str) -> list[str]:
    """The statements that a sign-in runs before it is answered."""
    watched: Any = Watched(world.identity.database)
    with suppress(ServiceError):
        await authenticate(email, password, identity=replace(world.identity, database=watched))
    names: list[str] = watched.names
    return names


async def test_a_failed_sign_in_runs_the_same_statements_for_known_and_unknown_addresses(world: World) -> None:
    account_id = await world.active()
    await world.create(email=OTHER_EMAIL)
    checks = [f"identity.{name}" for name in ("find_address", "find_sign_in", "spend_guess")]
    wrong = "not the right phrase"
    for email, password in ((EMAIL, wrong), ("nobody@example.com", wrong), ("none", wrong), (OTHER_EMAIL, PASSWORD)):
        assert await statements(world, email, password) == checks
    # The right password of a real account is told from these by its answer anyway.
    assert "identity.insert_audit_event" in await statements(world, EMAIL, PASSWORD)
    await write_failed_sign_ins(world.identity)
    assert (await kinds(world, account_id))[-2:] == ["SIGN_IN_SUCCEEDED", "SIGN_IN_FAILED"]


async def test_a_flood_of_failed_sign_ins_makes_one_event_with_its_count(world: World) -> None:
    account_id = await world.active()
    for _ in range(7):
        with refused(ErrorReason.CREDENTIALS_REJECTED):
            await world.authenticate(password="not the right phrase")
    async with writing_failed_sign_ins(world.identity, every_seconds=3600):
        pass  # the end of the service writes what is left
    event = (await listed(world, account_id)).events[0]
    assert (event.kind, json.loads(event.details), event.actor) == ("SIGN_IN_FAILED", {"count": 7}, "identity")
    await write_failed_sign_ins(world.identity)
    assert (await kinds(world, account_id)).count("SIGN_IN_FAILED") == 1


async def test_failed_sign_ins_that_cannot_be_written_now_are_written_later(world: World) -> None:
    account_id = await world.active()
    world.identity.failed_sign_ins.note(UUID(account_id), 3)
    world.identity.failed_sign_ins.note(uuid4(), 2)

    class Away:
        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Any]:
            raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)
            yield

    away: Any = Away()
    await write_failed_sign_ins(replace(world.identity, database=away))
    # An account that is not there is no reason to keep the others waiting, nor to try for ever.
    await write_failed_sign_ins(world.identity)
    assert json.loads((await listed(world, account_id)).events[0].details) == {"count": 3}
    assert not world.identity.failed_sign_ins.take()


# Growing only


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_event set kind = 'X'",
        "delete from audit_event",
        "truncate audit_event",
        "update audit_anchor set record = ''",
        "delete from audit_anchor",
        "truncate audit_anchor",
        "update audit_anchor_leaf set sequence = 1",
        "delete from audit_anchor_leaf",
        "delete from audit_closed_subject",
        "alter table audit_event disable trigger all",
        "drop table audit_event",
        "grant update on audit_event to current_user",
    ],
)
async def test_the_services_own_role_cannot_change_or_remove_what_was_written(world: World, statement: str) -> None:
    await world.active()
    assert world.dsns is not None
    connection = await asyncpg.connect(world.dsns.app)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
            # GRANT of what one has not is a warning, and grants nothing.
            await connection.execute("update audit_event set kind = 'X'")
        assert await connection.fetchval("select count(*) from audit_event") == 3
    finally:
        await connection.close()


async def test_many_writers_of_one_account_make_one_unbroken_chain(world: World) -> None:
    account_id = await world.active()
    await asyncio.gather(*(world.open(account_id, f"device-{number}") for number in range(15)))
    ends = (world.end(account_id, device_id=f"device-{number}") for number in range(15))
    await asyncio.gather(*ends, *(world.profile(account_id, f"P{number}") for number in range(4)))
    assert len(await kinds(world, account_id)) == 3 + 15 + 15 + 4
    assert (await verified(world)).sound


class WithoutLock:
    """The database with heads read but not held, and every writer having read before any writes."""

    def __init__(self, inner: Any, everybody_read: asyncio.Barrier) -> None:
        self._inner = inner
        self._everybody_read = everybody_read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def fetch_row(self, sql: str, *args: Any) -> Any:
        """Read without holding."""
        row = await self._inner.fetch_row(sql.replace("for update", ""), *args)
        if "identity.lock_audit_subject" in sql:
            await self._everybody_read.wait()
        return row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[WithoutLock]:
        """A transaction with the same weakness."""
        async with self._inner.transaction() as transaction:
            yield WithoutLock(transaction, self._everybody_read)


async def test_the_lock_of_the_head_is_what_keeps_the_chain_whole(world: World) -> None:
    held, unheld = await world.active(), await world.active(email=OTHER_EMAIL)

    async def write(account_id: str, identity: Any) -> int:
        calls = (audit.record_alone(UUID(account_id), AuditKind.PASSWORD_SET, identity=identity) for _ in range(8))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert all(each is None or isinstance(each, UniqueViolation) for each in answers), answers
        return sum(each is None for each in answers)

    assert await write(held, world.identity) == 8
    without: Any = WithoutLock(world.identity.database, asyncio.Barrier(8))
    assert await write(unheld, replace(world.identity, database=without)) < 8
    assert len(await kinds(world, held)) == 3 + 8


async def test_two_first_events_of_an_old_account_begin_one_chain(world: World) -> None:
    """Accounts from before the log have no chain; their first events may come together."""
    account_id = await world.active()
    async with owner(world) as connection:
        await connection.execute("delete from audit_subject")
        await connection.execute("delete from audit_event")
    await asyncio.gather(*(world.open(account_id, f"device-{number}") for number in range(6)))
    assert await kinds(world, account_id) == ["SESSION_OPENED"] * 6
    assert (await verified(world)).sound


# What never is in it


async def test_no_contact_name_password_token_or_plain_id_is_in_the_log(world: World) -> None:
    account_id = await world.active(phone=PHONE, profile_name="Ada Byron")
    opened = await world.open(account_id, "the-living-room-tv")
    profile = await world.profile(account_id, "Annabella")
    await world.authenticate()
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate(password="a wrong guess of a phrase")
    await write_failed_sign_ins(world.identity)
    await anchored(world, None)
    async with owner(world) as connection:
        rows = [
            row
            for table in ("audit_event", "audit_anchor", "audit_anchor_leaf")
            for row in await connection.fetch(f"select t::text as all_of_it, t.* from {table} t")  # noqa: S608
        ]
    assert len(rows) > 6
    text = "\n".join(row["all_of_it"] for row in rows).lower()
    canaries = [EMAIL, "byron", "example", PHONE.removeprefix("+"), PASSWORD, "guess", "annabella", "living-room"]
    canaries += [account_id, opened.session.session_id, profile.profile_id]
    canaries += [opened.tokens.session_token.rpartition(".")[2], opened.tokens.refresh_token.rpartition(".")[2]]
    for canary in canaries:
        plain = canary.lower()
        assert plain not in text
        assert plain.replace("-", "") not in text
        assert plain.encode().hex() not in text


async def test_an_erased_account_leaves_a_chain_that_is_sound_and_nobodys(world: World) -> None:
    erased, other = await world.active(), await world.active(email=OTHER_EMAIL)
    subject_id = await subject_of(world, erased)
    await anchored(world, None)
    async with world.identity.database.transaction() as transaction:
        await audit.close_chain(transaction, UUID(erased), identity=world.identity)
        await audit.close_chain(transaction, uuid4(), identity=world.identity)
    with refused(ErrorReason.NOT_FOUND):
        await listed(world, erased)
    await anchored(world, None)
    report = await verified(world)
    assert (report.sound, report.subjects, report.anchors) == (True, 2, 2)
    async with owner(world) as connection:
        assert await connection.fetchval("select count(*) from audit_subject where subject_id = $1", subject_id) == 0
        last = await connection.fetchval(
            "select kind from audit_event where subject_id = $1 order by sequence desc limit 1", subject_id
        )
    assert last == "CHAIN_CLOSED"
    assert await kinds(world, other)
    assert damages(report) == set()
