"""EraseAccount: an account is closed at once, and erased when its time of grace is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.erasure import Erasure, ErasureState, Step, first_fence
from services.gateway.domain.records import AccountState, Client, SessionState
from services.gateway.storage import erasures
from services.gateway.use_cases.context import Context, resolve
from services.gateway.use_cases.erasing import advance, require
from services.gateway.use_cases.reauthenticating import reauthenticate

_OWNER, _OPERATOR = "OWNER", "OPERATOR"
_OVER: Final = (ErasureState.CANCELLED, ErasureState.DONE)


@dataclass(frozen=True, kw_only=True, slots=True)
class EraseAccount:
    """The owner wants the account gone."""

    request_id: UUID
    session_token: str = field(repr=False)
    client: Client
    password: str = field(repr=False)


async def erase_account(context: Context, command: EraseAccount) -> Erasure:
    """The erasure, under way. Raises SESSION_UNKNOWN, DEVICE_NOT_TRUSTED, CREDENTIALS_REJECTED."""
    earlier = await _earlier(context, command)
    if earlier is not None:
        return earlier
    resolved = await reauthenticate(context, command.session_token, command.client, command.password)
    account = resolved.account
    return await _begin(
        context,
        account.account_id,
        account.state,
        requester=_OWNER,
        request_id=command.request_id,
        grace=context.erasure_policy.grace,
    )


async def _earlier(context: Context, command: EraseAccount) -> Erasure | None:
    """What this very request has begun; its session, which the erasure has ended, still shows whose it was."""
    resolved = await resolve(context, command.session_token, command.client)
    if resolved.session.state is not SessionState.ENDED:
        return None
    erasure_id = erasures.erasure_id_of(context.digest_key, resolved.account.account_id)
    kept = await erasures.find(context.database, erasure_id)
    return kept if kept is not None and kept.request_id == command.request_id else None


async def erase_account_as_operator(context: Context, account_id: UUID, *, at_once: bool) -> Erasure:
    """The erasure, under way, or the receipt of one that is done. ``at_once``: without the time of grace.

    An account that is there again, out of a backup, is erased again.

    Raises NOT_FOUND for an account that is not known; CONCURRENT_CHANGE where it is being worked on.
    """
    erasure_id = erasures.erasure_id_of(context.digest_key, account_id)
    kept = await erasures.find(context.database, erasure_id)
    if kept is not None and kept.state not in _OVER:
        return await _hasten(context, kept, at_once=at_once)
    try:
        account, _ = await context.identity.get_account(account_id)
    except ServiceError as error:
        if kept is not None and kept.state is ErasureState.DONE and error.reason is ErrorReason.NOT_FOUND:
            return kept
        raise
    grace = context.erasure_policy.settle if at_once else context.erasure_policy.grace
    return await _begin(context, account_id, account.state, requester=_OPERATOR, request_id=None, grace=grace)


async def _begin(
    context: Context,
    account_id: UUID,
    state: AccountState,
    *,
    requester: str,
    request_id: UUID | None,
    grace: timedelta,
) -> Erasure:
    """Even where nobody is to wait, what is under way has its time to end. A sign-up, nobody's yet, needs no grace."""
    now, policy = context.clock.now(), context.erasure_policy
    wait = policy.settle if state is AccountState.PENDING else max(grace, policy.settle)
    new = Erasure(
        erasure_id=erasures.erasure_id_of(context.digest_key, account_id),
        account_id=account_id,
        request_id=request_id,
        requester=requester,
        state=ErasureState.CLOSING,
        step=Step.CLOSE,
        state_before=state,
        request_time=now,
        erase_time=now + wait,
        due_time=now,
        fence=first_fence(now),
    )
    begun = await erasures.begin(context.database, new, now + policy.lease)
    if begun is None:
        return require(await erasures.find(context.database, new.erasure_id))
    return await _closed(context, begun)


async def _closed(context: Context, begun: Erasure) -> Erasure:
    """Not answered before the account is closed; what comes after that may fail for now, and is tried again."""
    try:
        return await advance(context, begun)
    except ServiceError:
        kept = require(await erasures.find(context.database, begun.erasure_id))
        if kept.step is Step.CLOSE:
            raise
        return kept


async def _hasten(context: Context, kept: Erasure, *, at_once: bool) -> Erasure:
    soon_enough = kept.state is ErasureState.ERASING or (not at_once and kept.can_be_cancelled)
    if soon_enough:
        return kept
    now = context.clock.now()
    soon = now + context.erasure_policy.settle
    hastened = await erasures.hasten(context.database, kept, now=now, erase_time=soon)
    if hastened is None:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="the erasure is being worked on")
    context.erasure_wake.set()
    return hastened
