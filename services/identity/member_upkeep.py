"""Finishes what broke off between hosts and members, and frees the slots of invitations that ran out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.identity.domain.membership import PLACE_RETENTION
from services.identity.storage import members
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_host, tell_members

_BATCH: Final = 100
_log = get_logger(__name__)


async def run_member_upkeep(identity: Identity, interval: timedelta) -> None:
    """Keep house now and then, for ever; a failure is logged, and the next time is another try."""
    while True:
        try:
            await finish_memberships(identity)
        except ServiceError as error:
            _log.warning("upkeep of memberships failed", reason=str(error.reason), detail=error.detail)
        await asyncio.sleep(interval.total_seconds())


async def finish_memberships(identity: Identity) -> None:
    """Finish what is there once. Safe to run in several places at the same time."""
    now = identity.clock.now()
    untold, leavers, expired = await members.list_unfinished(identity.database, now, _BATCH)
    for account_id in untold:
        await tell_members(account_id, identity)
    for account_id in leavers:
        await tell_host(account_id, identity)
    # What is left over is for the next round.
    await members.delete_old_places(identity.database, now - PLACE_RETENTION, _BATCH)
    for account_id in expired:
        async with identity.database.transaction() as transaction:
            await members.expire_places(transaction, account_id, now)
