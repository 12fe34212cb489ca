"""What is sealed beside the contacts goes along when a key is exchanged: changes, approvers, invitations."""

from __future__ import annotations

from uuid import UUID

import pytest

from libs.runtime.keys import OpenError
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import Channel
from services.identity.key_rotation import Rotation, key_use, rotate_keys
from services.identity.storage import approvers, contact_changes, members
from tests.contract.identity.identity_world import World
from tests.contract.identity.member_world import BEN, host, invite
from tests.contract.identity.test_identity_approvers import CARL, add
from tests.contract.identity.test_identity_contacts import OTHER_EMAIL, say, wish

FIRST, OTHER = bytes(32), b"b" * 32
"""The master that the tests' settings name, and the one that takes its place."""


async def read(world: World, account_id: UUID, keys: ContactKeys) -> list[str]:
    """Whoever waits, approves and is invited."""
    database = world.identity.database
    waiting = await contact_changes.find_waiting(database, keys, account_id, Channel.EMAIL)
    approving = await approvers.list_approvers(database, keys, account_id)
    places = await members.list_places(database, keys, account_id)
    assert waiting is not None
    return [waiting.destination, *(each.destination for each in approving), *(each.email for each in places)]


async def test_nothing_is_left_under_the_old_key_once_the_job_has_run(world: World) -> None:
    """The negative control: before it has, whoever dropped the old key can read none of them."""
    account_id = await host(world)
    await say(world, wish(account_id, OTHER_EMAIL))
    await add(world, account_id, CARL)
    await invite(world, account_id, BEN)
    database, old = world.identity.database, world.identity.keys
    both, new = ContactKeys([OTHER, FIRST]), ContactKeys([OTHER])
    with pytest.raises(OpenError):
        await read(world, UUID(account_id), new)
    before, _ = await key_use(database, both)
    assert before[1].direct_contacts >= 3

    expected = await rotate_keys(database, both, world.clock, Rotation(dry_run=True))
    assert await read(world, UUID(account_id), old) == [OTHER_EMAIL, CARL, BEN], "a dry run changes nothing"
    done = await rotate_keys(database, both, world.clock, Rotation())
    assert (done.others_resealed, done.unreadable) == (expected.others_resealed, 0) == (3, 0)
    assert await read(world, UUID(account_id), new) == [OTHER_EMAIL, CARL, BEN]
    after, _ = await key_use(database, both)
    assert after[1].direct_contacts == 0
    assert (await rotate_keys(database, both, world.clock, Rotation())).others_resealed == 0
