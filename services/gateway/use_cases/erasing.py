"""The steps of an erasure. Each can be repeated, so that whoever dies on the way is followed by another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Final
from uuid import UUID

from libs.persistence.privacy import Subject, erase_holdings
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.gateway.clients.challenge import Notice
from services.gateway.clients.privacy import MOST_DESTINATIONS
from services.gateway.domain.erasure import (
    LEAVES,
    Erasure,
    ErasureState,
    Step,
    due_at,
    next_step,
    pause_after,
)
from services.gateway.domain.records import AccountState, Channel
from services.gateway.domain.verification import NoticeKind
from services.gateway.metrics import count_erasure, count_erasure_failure
from services.gateway.storage import erasures
from services.gateway.storage.privacy import HOLDINGS
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.shutting_out import end_streams_of_others

_UNTOLD: Final = frozenset(
    {ErrorReason.NOT_FOUND, ErrorReason.INVALID_FIELD, ErrorReason.CHANNEL_UNAVAILABLE, ErrorReason.REQUEST_ID_REUSED}
)
"""Why a notice is not tried again: nobody can be told that way, or is told already."""
_log = get_logger(__name__)


async def advance(context: Context, erasure: Erasure) -> Erasure:
    """Do each step that is due; the erasure as it stands then. It is leased to the caller, and released here.

    Raises ServiceError where a step failed, once it is noted when to try again.
    """
    while erasure.due_time is not None and erasure.due_time <= context.clock.now():
        try:
            erasure = await _step(context, erasure)
        except ServiceError as error:
            await _postpone(context, erasure, error)
            raise
    if erasure.due_time is not None:
        await erasures.release(context.database, erasure, context.clock.now())
    return erasure


async def _step(context: Context, erasure: Erasure) -> Erasure:
    counts: Counter[str] = Counter(erasure.counts)
    complete = True
    match erasure.step:
        case Step.CLOSE:
            await _close(context, erasure)
        case Step.NOTIFY:
            await _notify(context, erasure)
        case Step.WAIT:
            if await _is_open(context, erasure):
                return await _call_off(context, erasure)
        case Step.REOPEN:
            await _reopen(context, erasure)
        case Step.GATEWAY | Step.GATEWAY_AGAIN:
            complete = await _erase_own(context, erasure, counts)
            if complete and erasure.step is Step.GATEWAY_AGAIN:
                return await _finish(context, erasure, counts)
        case step if step in LEAVES:
            complete = await _erase_leaf(context, erasure, LEAVES[step], counts)
    step = next_step(erasure.step) if complete else erasure.step
    now = context.clock.now()
    moved = await erasures.move_on(
        context.database,
        erasure,
        step,
        due_time=due_at(erasure, step, now, context.erasure_policy),
        lease_time=now + context.erasure_policy.lease,
        counts=counts,
    )
    return _mine(moved)


async def _close(context: Context, erasure: Erasure) -> None:
    """Identity refuses first, then the epoch is raised: what was looked up before cannot claim a slot after it."""
    account_id = erasure.account_id
    assert account_id is not None
    await _unless_gone(context.privacy.close_account(account_id, erasure.fence))
    await end_streams_of_others(context, account_id, None)


async def _unless_gone(asked: Awaitable[object]) -> None:
    """A sign-up may be purged meanwhile: what is not there is closed, and stays so."""
    try:
        await asked
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise


async def _is_open(context: Context, erasure: Erasure) -> bool:
    """Whether somebody may use the account although it is to be erased now.

    Identity opens it for nobody but a cancellation, so it was restored from a backup, or changed by hand. From here on
    nothing opens it: a cancellation comes too late once this step is done.
    """
    assert erasure.account_id is not None
    try:
        account, _ = await context.identity.get_account(erasure.account_id)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        return False
    return account.state in (AccountState.ACTIVE, AccountState.ON_HOLD)


async def _call_off(context: Context, erasure: Erasure) -> Erasure:
    now = context.clock.now()
    lease_time = now + context.erasure_policy.lease
    called_off = _mine(await erasures.call_off(context.database, erasure, now=now, lease_time=lease_time))
    _log.error("erasure called off: its account is open", erasure_id=str(erasure.erasure_id))
    count_erasure(ErasureState.CANCELLED)
    return called_off


async def _notify(context: Context, erasure: Erasure) -> None:
    """Tell the owner, who may never have asked for it."""
    account_id = erasure.account_id
    assert account_id is not None
    try:
        contacts = await context.identity.get_contacts(account_id, masked_only=False)
        email = contacts.by(Channel.EMAIL)
        if email is None or erasure.state_before is AccountState.PENDING:
            return
        notice = Notice(
            request_id=step_id(erasure.erasure_id, f"notice {erasure.request_time.isoformat()}"),
            account_id=account_id,
            kind=NoticeKind.ACCOUNT_ERASURE,
            email=email.destination,
            language=contacts.language,
            about=None,
            event_time=erasure.request_time,
            due_time=erasure.erase_time,
        )
        await context.challenge.notify(notice)
    except ServiceError as error:
        if error.reason not in _UNTOLD:
            raise
        _log.warning("owner not told of an erasure", erasure_id=str(erasure.erasure_id), reason=str(error.reason))


async def _reopen(context: Context, erasure: Erasure) -> None:
    account_id = erasure.account_id
    assert account_id is not None
    await _unless_gone(context.privacy.reopen_account(account_id, erasure.fence))


async def _erase_leaf(context: Context, erasure: Erasure, leaf: str, counts: Counter[str]) -> bool:
    account_id = erasure.account_id
    assert account_id is not None
    complete = True
    for own, others in await _destinations(context, account_id) if leaf == "challenge" else [((), ())]:
        deleted, nothing_left = await context.privacy.erase(leaf, account_id, own, others)
        counts.update({f"{leaf}/{kind}": count for kind, count in deleted.items()})
        complete = complete and nothing_left
    return complete


async def _destinations(context: Context, account_id: UUID) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Under which the challenge service keeps limits, as many at a time as it takes; at least one time.

    Identity, which knows them, is erased after it.
    """
    found = await context.privacy.list_destinations(account_id)
    most = max(len(found.own), len(found.others), 1)
    return [
        (found.own[start : start + MOST_DESTINATIONS], found.others[start : start + MOST_DESTINATIONS])
        for start in range(0, most, MOST_DESTINATIONS)
    ]


async def _erase_own(context: Context, erasure: Erasure, counts: Counter[str]) -> bool:
    """The gateway's own rows; whether all are gone."""
    assert erasure.account_id is not None
    erased = await erase_holdings(context.database, HOLDINGS, Subject(account_id=erasure.account_id))
    counts.update({f"gateway/{kind}": count for kind, count in erased.counts.items()})
    return erased.complete


async def _finish(context: Context, erasure: Erasure, counts: Counter[str]) -> Erasure:
    """Last of all, whose erasure it was."""
    done = _mine(await erasures.finish(context.database, erasure, context.clock.now(), counts))
    count_erasure(done.state)
    _log.info("account erased", erasure_id=str(done.erasure_id), rows=sum(done.counts.values()))
    return done


async def _postpone(context: Context, erasure: Erasure, error: ServiceError) -> None:
    attempts, now = erasure.attempt_count + 1, context.clock.now()
    over = attempts >= context.erasure_policy.max_attempts
    due_time = None if over else now + pause_after(attempts)
    if not await erasures.postpone(context.database, erasure, due_time, now, erasure.counts):
        _log.info("erasure was taken over", erasure_id=str(erasure.erasure_id), step=str(erasure.step))
        return
    count_erasure_failure(erasure.step)
    log = _log.error if over else _log.warning
    log(
        "erasure step failed",
        erasure_id=str(erasure.erasure_id),
        step=str(erasure.step),
        attempts=attempts,
        given_up=over,
        reason=str(error.reason),
        detail=error.detail,
    )
    if over:
        count_erasure(ErasureState.FAILED)


def _mine(erasure: Erasure | None) -> Erasure:
    if erasure is None:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="somebody else has this erasure")
    return erasure


def require(erasure: Erasure | None) -> Erasure:
    """The erasure. Raises NOT_FOUND where there is none."""
    if erasure is None:
        raise not_found("erasure")
    return erasure
