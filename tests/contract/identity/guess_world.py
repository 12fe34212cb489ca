"""What the tests of guessed passwords share."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import contact_service_pb2 as contact_pb
from hearthgate.identity.v1 import contact_service_pb2_grpc as contact_rpc
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from tests.contract.identity.identity_world import (
    EMAIL,
    World,
)

WRONG = "not the password"
ANOTHER = "quite another phrase"
AT_ONCE, IN_ROW, ONE_BACK = 10, 50, timedelta(seconds=90)
HERE, ELSEWHERE = "203.0.113.10", "198.51.100.20"


async def refusal(awaitable: Awaitable[Any]) -> ServiceError:
    """The error that a call ends with."""
    with pytest.raises(ServiceError) as caught:
        await awaitable
    return caught.value


def told(error: ServiceError) -> tuple[Any, ...]:
    """Everything that an asker sees of an error."""
    return error.reason, error.metadata, error.retry_after, error.fields


async def guess(world: World, times: int, email: str = EMAIL, **client: str) -> list[ErrorReason]:
    """So many wrong passwords, one after the other; the reasons."""
    return [(await refusal(world.authenticated(email, WRONG, **client))).reason for _ in range(times)]


async def use_up(world: World, email: str = EMAIL, **client: str) -> None:
    """All guesses that strangers have at once."""
    assert set(await guess(world, AT_ONCE, email, **client)) == {ErrorReason.CREDENTIALS_REJECTED}
    assert await guess(world, 1, email, **client) == [ErrorReason.LIMIT_EXCEEDED]


async def rows(world: World) -> int:
    """Counters that are kept."""
    count: int = await world.identity.database.fetch_value("select count(*) from password_guess")
    return count


async def remove_number(world: World, account_id: str, password: str) -> None:
    """Something that takes the password once more."""
    request = contact_pb.RemoveContactRequest(
        account_id=account_id, channel=standing_pb2.CHANNEL_TEXT, password=password
    )
    await call(contact_rpc.ContactServiceStub(world.channels["gateway"]).RemoveContact, request, timeout=10)
