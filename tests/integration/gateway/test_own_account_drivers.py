"""Drivers of one own account that overtake one another, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.persistence.database import Database
from libs.runtime.clock import FakeClock
from libs.testing.plugin import ServiceDatabaseFactory
from services.gateway.domain.own_account import OwnAccount, OwnAccountPolicy, OwnAccountState, Step, failed
from services.gateway.storage import own_accounts

POLICY = OwnAccountPolicy(max_attempts=2)


@pytest.fixture
async def database(service_database: ServiceDatabaseFactory) -> AsyncIterator[Database]:
    """The gateway's database, with the rights of its app role."""
    database = await Database.connect((await service_database("gateway")).app, application_name="test", pool_size=4)
    yield database
    await database.close()


async def under_way(database: Database, clock: FakeClock) -> OwnAccount:
    """An own account at its history, due now."""
    waiting = OwnAccount(
        account_id=uuid4(),
        own_account_id=uuid4(),
        target_account_id=uuid4(),
        profile_id=uuid4(),
        profile_name="Ben",
        device_id="tv",
        challenge_id=uuid4(),
        owner_agreed=False,
        state=OwnAccountState.WAITING,
        step=None,
        create_time=clock.now(),
    )
    await own_accounts.insert(database, waiting)
    kept = await own_accounts.find(database, waiting.account_id, waiting.own_account_id)
    assert kept is not None
    due = replace(kept, state=OwnAccountState.RUNNING, step=Step.MOVE_HISTORY, next_try_time=clock.now())
    assert await own_accounts.keep(database, kept, due)
    return due


async def test_who_fails_after_another_gave_up_does_not_set_it_going_again(
    database: Database, clock: FakeClock
) -> None:
    """The negative control: without looking at the attempts, as a step that was done is recorded, it does."""
    due = await under_way(database, clock)
    late = await own_accounts.claim(database, due, clock.now())
    assert late is not None
    last = await own_accounts.claim(database, late, clock.now() + timedelta(minutes=1))
    assert last is not None
    given_up = failed(last, "DEPENDENCY_UNAVAILABLE", clock.now(), POLICY)
    assert given_up.next_try_time is None
    assert await own_accounts.keep_failure(database, given_up)
    again = failed(late, "DEPENDENCY_UNAVAILABLE", clock.now(), POLICY)
    assert again.next_try_time is not None

    assert not await own_accounts.keep_failure(database, again)
    kept = await own_accounts.find(database, due.account_id, due.own_account_id)
    assert kept is not None
    assert kept.next_try_time is None

    assert await own_accounts.keep(database, late, again)
    kept = await own_accounts.find(database, due.account_id, due.own_account_id)
    assert kept is not None
    assert kept.next_try_time == again.next_try_time
