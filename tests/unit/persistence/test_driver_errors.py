"""What the driver says of a connection that is going, and of a mistake of ours."""

import asyncpg
import pytest

from libs.persistence.errors import translate
from libs.runtime.errors import ErrorReason, ServiceError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (asyncpg.InterfaceError("connection is closed"), ErrorReason.STORAGE_UNAVAILABLE),
        (
            asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
            ErrorReason.STORAGE_UNAVAILABLE,
        ),
        (
            asyncpg.InternalClientError("cannot switch to state 11; another operation (12) is in progress"),
            ErrorReason.INTERNAL,
        ),
        (asyncpg.InterfaceError("the server expects 1 argument for this query"), ErrorReason.INTERNAL),
    ],
)
def test_a_connection_that_is_going_can_be_tried_again_and_a_mistake_cannot(
    error: Exception, reason: ErrorReason
) -> None:
    translation = translate(error)
    assert isinstance(translation, ServiceError)
    assert translation.reason is reason
