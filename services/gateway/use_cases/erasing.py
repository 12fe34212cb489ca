"""The steps of an erasure. Each can be repeated, so that whoever dies on the way is followed by another."""

from __future__ import annotations

from collections import Counter
from typing import Final

from libs.persistence.privacy import Subject, erase_holdings
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.gateway.clients.challenge import Notice
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
        await erasures.release(context.database, erasure.erasure_id, context.clock.now())
    return erasure


async def _step(context: Context, erasure: Erasure) -> Erasure:
    counts: Counter[str] = Counter(erasure.counts)
    complete = True
    match erasure.step:
        case Step.CLOSE:
            await _close(context, erasure)
        case Step.NOTIFY:
            await _notify(context, erasure)
        case Step.REOPEN:
            await _reopen(context, erasure)
        case Step.GATEWAY:
            return await _forget(context, erasure, counts)
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
    if erasure.state_before is not AccountState.CLOSED:
        await context.privacy.close_account(account_id)
    await end_streams_of_others(context, account_id, None)


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
    if erasure.state_before in (AccountState.ACTIVE, AccountState.ON_HOLD):
        on_hold = erasure.state_before is AccountState.ON_HOLD
        await context.privacy.reopen_account(account_id, on_hold=on_hold)


async def _erase_leaf(context: Context, erasure: Erasure, leaf: str, counts: Counter[str]) -> bool:
    account_id = erasure.account_id
    assert account_id is not None
    destinations = await _destinations(context, erasure) if leaf == "challenge" else []
    deleted, complete = await context.privacy.erase(leaf, account_id, destinations)
    counts.update({f"{leaf}/{kind}": count for kind, count in deleted.items()})
    return complete


async def _destinations(context: Context, erasure: Erasure) -> list[str]:
    """Under which the challenge service keeps limits; identity, which knows them, is erased after it."""
    assert erasure.account_id is not None
    try:
        contacts = await context.identity.get_contacts(erasure.account_id, masked_only=False)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        return []
    return [each.destination for each in contacts.contacts]


async def _forget(context: Context, erasure: Erasure, counts: Counter[str]) -> Erasure:
    """The gateway's own rows, and last of all whose erasure it was."""
    assert erasure.account_id is not None
    subject = Subject(account_id=erasure.account_id)
    complete = False
    while not complete:
        erased = await erase_holdings(context.database, HOLDINGS, subject)
        counts.update({f"gateway/{kind}": count for kind, count in erased.counts.items()})
        complete = erased.complete
    done = _mine(await erasures.finish(context.database, erasure, context.clock.now(), counts))
    count_erasure(done.state)
    _log.info("account erased", erasure_id=str(done.erasure_id), rows=sum(done.counts.values()))
    return done


async def _postpone(context: Context, erasure: Erasure, error: ServiceError) -> None:
    attempts, now = erasure.attempt_count + 1, context.clock.now()
    over = attempts >= context.erasure_policy.max_attempts
    due_time = None if over else now + pause_after(attempts)
    await erasures.postpone(context.database, erasure, due_time, now, erasure.counts)
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
