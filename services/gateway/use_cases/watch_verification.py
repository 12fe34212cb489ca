"""WatchVerification: the waiting television starts by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from libs.runtime.errors import not_found
from services.gateway.domain.records import Client
from services.gateway.domain.verification import Challenge
from services.gateway.use_cases.context import Context, resolve_usable


async def watch_verification(
    context: Context, session_token: str, client: Client, verification_id: UUID
) -> AsyncGenerator[Challenge]:
    """The device's own verification as it stands, and each change. Raises NOT_FOUND for another device's."""
    resolved = await resolve_usable(context, session_token, client)
    account_id = resolved.account.account_id
    async with aclosing(context.challenge.watch_challenge(account_id, verification_id)) as changes:
        async for challenge in changes:
            if challenge.requester.device_id != client.device_id:
                raise not_found("verification")
            yield challenge
