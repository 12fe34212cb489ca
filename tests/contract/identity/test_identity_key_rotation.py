"""Contact keys are exchanged under load, until an old one can be dropped; and the envelope is adopted in two steps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as rpc
from libs.persistence.database import Database
from libs.rpc.channel import call, open_channel
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import OpenError, secret_digest
from libs.testing.plugin import ServiceDatabaseFactory
from services.identity.contact_keys import ContactForm, ContactKeys
from services.identity.domain.contact import Channel
from services.identity.key_rotation import Progress, Rotation, key_use, rotate_keys
from services.identity.servicer import registration
from services.identity.storage import accounts
from services.identity.use_cases.context import Identity
from tests.contract.identity.identity_world import EMAIL, GATEWAY, PASSWORD, PHONE, World, new_id

A, B = b"a" * 32, b"b" * 32
LABELS = {A: "a", B: "b"}
MIGRATION = Path(__file__).parents[3] / "services/identity/migrations/0006_contact_key.sql"


def keys_of(*masters: bytes, form: ContactForm = ContactForm.ENVELOPE) -> ContactKeys:
    """A key list, with labels."""
    return ContactKeys(masters, labels=[LABELS[each] for each in masters], form=form)


def with_keys(world: World, *masters: bytes, form: ContactForm = ContactForm.ENVELOPE) -> Identity:
    """A process of the service with this key list."""
    return replace(world.identity, keys=keys_of(*masters, form=form))


@dataclass(kw_only=True)
class Process:
    """One process of the service; it ends when the calls that it took are answered, as behind a balancer."""

    stub: rpc.IdentityServiceStub
    running: AsyncExitStack
    calls: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, method: str, request: Any) -> Any:
        """Call an RPC."""
        self.calls += 1
        try:
            return await call(getattr(self.stub, method), request, timeout=20)
        finally:
            self.calls -= 1
            self.idle.set()

    async def end(self) -> None:
        """Wait until nothing is under way, then stop."""
        while self.calls:
            self.idle.clear()
            await self.idle.wait()
        await self.running.aclose()


@dataclass(kw_only=True)
class Replica:
    """A process over the one database, which is replaced by another, with another key list, as in a roll-out."""

    world: World
    process: Process | None = None

    async def roll(self, *masters: bytes, form: ContactForm = ContactForm.ENVELOPE) -> None:
        """Serve with these keys: the new process first, then the end of the old one."""
        running = AsyncExitStack()
        server = build_server(
            ServerOptions(callers={GATEWAY.name: [secret_digest(GATEWAY.secret)]}),
            [registration(with_keys(self.world, *masters, form=form))],
            self.world.identity.database.ping,
        )
        await server.start()
        running.push_async_callback(server.stop, 10)
        channel = open_channel(f"127.0.0.1:{server.port}", caller=GATEWAY)
        stub = rpc.IdentityServiceStub(await running.enter_async_context(channel))
        before, self.process = self.process, Process(stub=stub, running=running)
        if before is not None:
            await before.end()

    async def end(self) -> None:
        """The end of the process that serves now."""
        assert self.process is not None
        await self.process.end()

    async def say(self, method: str, request: Any) -> Any:
        """Call an RPC."""
        assert self.process is not None
        return await self.process.say(method, request)


@dataclass(kw_only=True)
class Traffic:
    """People who sign up, sign in and are written to, on whichever replica; ``failures`` holds what went wrong."""

    replicas: list[Replica]
    known: dict[str, str] = field(default_factory=dict)
    rounds: int = 0
    failures: list[BaseException] = field(default_factory=list)
    turned: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self, number: int) -> None:
        """One person after another, for ever."""
        while True:
            here, there = self.replicas[self.rounds % 2], self.replicas[(self.rounds + number) % 2]
            try:
                await self._one(here, there)
            except (ServiceError, AssertionError) as error:
                self.failures.append(error)
            self.rounds += 1
            self.turned.set()

    async def some_more(self, rounds: int = 12) -> None:
        """Wait until so many more people were served, and nobody was refused."""
        goal = self.rounds + rounds
        while self.rounds < goal:
            self.turned.clear()
            await self.turned.wait()
        assert self.failures == []

    async def _one(self, here: Replica, there: Replica) -> None:
        email, old_email = f"{uuid4().hex}@example.com", random.choice(list(self.known))
        request = pb.CreateAccountRequest(
            request_id=new_id(), email=email, phone=PHONE, password=PASSWORD, country_code="DE", profile_name="Ada"
        )
        account_id = (await here.say("CreateAccount", request)).account_id
        await there.say("ActivateAccount", pb.ActivateAccountRequest(account_id=account_id))
        self.known[email] = account_id
        for each, known_id in ((email, account_id), (old_email, self.known[old_email])):
            await is_served(here, each, known_id)
        assert (await there.say("CreateAccount", self._again(request))).email_taken

    @staticmethod
    def _again(request: pb.CreateAccountRequest) -> pb.CreateAccountRequest:
        again = pb.CreateAccountRequest()
        again.CopyFrom(request)
        again.request_id = new_id()
        return again


async def is_served(replica: Replica, email: str, account_id: str) -> None:
    """Signs in, and is written to at the right address."""
    answer = await replica.say("Authenticate", pb.AuthenticateRequest(email=email, password=PASSWORD))
    assert answer.account.account_id == account_id
    contacts = (await replica.say("GetContacts", pb.GetContactsRequest(account_id=account_id))).contacts
    assert contacts[0].destination == email


@asynccontextmanager
async def traffic(world: World, *masters: bytes, seeds: dict[str, str]) -> AsyncIterator[Traffic]:
    """Two replicas with people at them."""
    replicas = [Replica(world=world), Replica(world=world)]
    people = Traffic(replicas=replicas, known=dict(seeds))
    async with AsyncExitStack() as stack:
        for replica in replicas:
            await replica.roll(*masters)
            stack.push_async_callback(replica.end)
        tasks = [asyncio.create_task(people.live(number)) for number in range(3)]
        try:
            yield people
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def sign_up(replica: Replica, email: str) -> str:
    """A new account that is usable; its id."""
    request = pb.CreateAccountRequest(
        request_id=new_id(), email=email, phone=PHONE, password=PASSWORD, country_code="DE", profile_name="Ada"
    )
    account_id: str = (await replica.say("CreateAccount", request)).account_id
    await replica.say("ActivateAccount", pb.ActivateAccountRequest(account_id=account_id))
    return account_id


async def seed(world: World, count: int = 7) -> dict[str, str]:
    """Accounts of an earlier release: contacts directly under A, addresses without a mark, from before the envelope."""
    made = {}
    replica = Replica(world=world)
    await replica.roll(A, form=ContactForm.DIRECT)
    for number in range(count):
        email = f"seed{number}@example.com"
        made[email] = await sign_up(replica, email)
    await replica.end()
    return made


async def rotate(world: World, *masters: bytes, **how: Any) -> Progress:
    """Run the job."""
    rotation = Rotation(batch=5, **how)
    return await rotate_keys(world.identity.database, keys_of(*masters), world.clock, rotation)


async def under(world: World, *masters: bytes) -> dict[str | None, tuple[int, int, int]]:
    """What stands under each key: data keys, contacts directly, addresses."""
    use, _ = await key_use(world.identity.database, keys_of(*masters))
    return {each.label: (each.data_keys, each.direct_contacts, each.addresses) for each in use}


async def test_a_key_is_exchanged_under_load_and_the_old_one_dropped(world: World) -> None:
    """A; A,B; B,A; the job; B; the job again: no valid request is refused on the way.

    The negative control: a replica that drops A before the job finds nobody from before and cannot write to them.
    """
    seeds = await seed(world)
    first = next(iter(seeds.items()))
    async with traffic(world, A, seeds=seeds) as people:
        for masters in ((A, B), (B, A)):
            for replica in people.replicas:
                await people.some_more()
                await replica.roll(*masters)
        hasty = Replica(world=world)
        await hasty.roll(B)
        with pytest.raises(ServiceError) as refusal:
            await is_served(hasty, *first)
        assert refusal.value.reason is ErrorReason.CREDENTIALS_REJECTED
        with pytest.raises(ServiceError) as unreadable:
            await hasty.say("GetContacts", pb.GetContactsRequest(account_id=first[1]))
        assert unreadable.value.reason is ErrorReason.INTERNAL

        done = await rotate(world, B, A)
        assert done.unreadable == 0
        assert done.addresses_entered >= len(seeds)
        assert done.contacts_resealed == 2 * len(seeds)
        await is_served(hasty, *first)
        await hasty.end()

        for replica in people.replicas:
            await people.some_more()
            await replica.roll(B)
        await people.some_more()
        retired = await rotate(world, B, A, retire=True)
        assert retired.addresses_retired > 0
        await people.some_more()
        everybody = dict(people.known)
        for email, account_id in everybody.items():
            await is_served(people.replicas[0], email, account_id)
    use = await under(world, B, A)
    assert use["a"] == (0, 0, 0)
    assert None not in use, "nothing stands under a key that nobody knows"
    active = await world.identity.database.fetch_value("select count(*) from account where state = 'ACTIVE'")
    assert use["b"][2] == active >= len(people.known)
    _, behind = await key_use(world.identity.database, keys_of(B))
    assert behind == 0


async def test_the_job_does_nothing_in_a_dry_run_and_nothing_twice(world: World) -> None:
    seeds = await seed(world, 3)
    before = await under(world, B, A)
    expected = await rotate(world, B, A, dry_run=True)
    assert await under(world, B, A) == before
    done = await rotate(world, B, A)
    assert done == expected
    assert (done.contacts_resealed, done.addresses_entered, done.addresses_marked) == (6, 3, 3)
    again = await rotate(world, B, A)
    assert (again.accounts, again.data_keys_wrapped, again.contacts_resealed, again.addresses_entered) == (3, 0, 0, 0)
    assert again.last == max(UUID(each) for each in seeds.values())


async def test_the_job_goes_on_after_the_account_where_it_was_broken_off(world: World) -> None:
    seeds = await seed(world, 4)
    ordered = sorted(UUID(each) for each in seeds.values())
    done = await rotate(world, B, A, after=ordered[1])
    assert (done.accounts, done.contacts_resealed) == (2, 4)
    assert (await rotate(world, B, A)).contacts_resealed == 4


async def test_a_rotation_wraps_data_keys_and_leaves_contacts_as_they_are(world: World) -> None:
    await seed(world, 2)
    await rotate(world, A)
    sealed = "select sealed_destination from contact order by account_id, channel"
    before = await world.identity.database.fetch(sealed)
    done = await rotate(world, B, A)
    assert (done.data_keys_wrapped, done.contacts_resealed) == (2, 0)
    assert await world.identity.database.fetch(sealed) == before
    assert await world.identity.database.fetch_value("select min(version) from contact_key") == 2


async def test_what_no_key_opens_is_counted_and_the_others_are_done(world: World) -> None:
    seeds = await seed(world, 2)
    lost = UUID(next(iter(seeds.values())))
    await world.identity.database.execute("update contact set sealed_destination = '\\x01' where account_id = $1", lost)
    done = await rotate(world, B, A)
    assert (done.unreadable, done.accounts, done.contacts_resealed) == (1, 2, 2)


async def test_an_address_that_was_given_up_is_not_entered_again(world: World) -> None:
    await seed(world, 1)
    await world.identity.database.execute("delete from email_address")
    assert (await rotate(world, B, A)).addresses_entered == 0
    assert await world.identity.database.fetch_value("select count(*) from email_address") == 0


async def test_without_its_data_key_an_accounts_contacts_are_unreadable_for_good(world: World) -> None:
    world.identity = with_keys(world, A)
    identity = world.identity
    account_id = uuid4()
    await _bare_account(world, account_id)
    await accounts.insert_contact(
        identity.database, identity.keys, account_id=account_id, channel=Channel.EMAIL, destination=EMAIL
    )
    found = await accounts.list_contacts(identity.database, identity.keys, account_id)
    assert [each.destination for each in found] == [EMAIL]
    await identity.database.execute("delete from contact_key where account_id = $1", account_id)
    with pytest.raises(OpenError):
        await accounts.list_contacts(identity.database, identity.keys, account_id)


async def test_contacts_of_either_form_are_read_whichever_form_is_written(world: World) -> None:
    """The upgrade in two steps: a release that writes the old form reads the new one already, and the other way."""
    database = world.identity.database
    direct, envelope = keys_of(A, form=ContactForm.DIRECT), keys_of(A)
    for writer in (direct, envelope):
        account_id = uuid4()
        await _bare_account(world, account_id)
        for channel, destination in ((Channel.EMAIL, EMAIL), (Channel.TEXT, PHONE)):
            await accounts.insert_contact(
                database, writer, account_id=account_id, channel=channel, destination=destination
            )
        for reader in (direct, envelope):
            found = await accounts.list_contacts(database, reader, account_id)
            assert [each.destination for each in found] == [EMAIL, PHONE]


async def test_the_release_that_writes_the_old_form_runs_before_its_migration(
    world: World, service_database: ServiceDatabaseFactory
) -> None:
    """Whoever writes the envelope needs it, and is told by a setting that it is there."""
    dsns = await service_database("identity")
    await take_back(dsns.owner)
    database = await Database.connect(dsns.app, application_name="early")
    try:
        early = replace(with_keys(world, A, form=ContactForm.DIRECT), database=database)
        replica = Replica(world=replace(world, identity=early))
        await replica.roll(A, form=ContactForm.DIRECT)
        await is_served(replica, EMAIL, await sign_up(replica, EMAIL))
        await replica.end()
    finally:
        await database.close()


async def test_the_migration_is_not_taken_back_while_contacts_are_in_envelopes(
    world: World, service_database: ServiceDatabaseFactory
) -> None:
    """It would lose every one of them."""
    dsns = await service_database("identity")
    database = await Database.connect(dsns.app, application_name="test")
    try:
        account_id = uuid4()
        await _bare_account(replace(world, identity=replace(world.identity, database=database)), account_id)
        await accounts.ensure_data_key(database, keys_of(A), account_id)
        with pytest.raises(asyncpg.RaiseError):
            await take_back(dsns.owner)
    finally:
        await database.close()


async def take_back(dsn: str) -> None:
    """Undo migration 0006."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(MIGRATION.read_text().partition("-- migrate:down")[2])
    finally:
        await connection.close()


async def test_contacts_and_their_key_are_read_with_one_statement(world: World) -> None:
    database, keys = world.identity.database, keys_of(A)
    account_id = uuid4()
    await _bare_account(world, account_id)
    for channel, destination in ((Channel.EMAIL, EMAIL), (Channel.TEXT, PHONE)):
        await accounts.insert_contact(database, keys, account_id=account_id, channel=channel, destination=destination)
    seen: list[str] = []
    watched: Any = Watched(database, seen)
    assert len(await accounts.list_contacts(watched, keys, account_id)) == 2
    assert len(seen) == 1


class Watched:
    """A database that notes what is asked of it."""

    def __init__(self, inner: Any, seen: list[str]) -> None:
        self._inner = inner
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        run = getattr(self._inner, name)

        async def noted(statement: str, *args: Any) -> Any:
            self._seen.append(statement)
            return await run(statement, *args)

        return noted


async def _bare_account(world: World, account_id: UUID) -> None:
    await world.identity.database.execute(
        "insert into account (account_id, state, plan_id, country_code, language, email_taken, create_time) "
        "values ($1, 'PENDING', 'standard', 'DE', 'en', false, $2)",
        account_id,
        world.clock.now(),
    )
