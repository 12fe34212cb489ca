"""Driving an own account, or its undoing, to its end: by whoever asked for it, or by a worker after a crash."""

from __future__ import annotations

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain import own_account as rules
from services.gateway.domain.own_account import OwnAccount, OwnAccountState, Step
from services.gateway.domain.records import Client, Standing
from services.gateway.domain.verification import ChallengeState
from services.gateway.metrics import count_stalled_own_account
from services.gateway.storage import own_accounts
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.own_account_steps import client_of, take_step

_log = get_logger(__name__)


async def drive(context: Context, own: OwnAccount) -> OwnAccount:
    """Take step after step until nothing is left to do; what it became.

    Raises what stopped a step, after noting it: a worker tries again later. Another driver may be at it at the same
    time; then this one goes on from where that one is.
    """
    while own.is_under_way:
        step = own.step
        if _lease_is_over(context, own):
            # This driver was held up for long: the saga may have gone on, or back, without it.
            own = await _find(context, own)
            if (own.step, own.is_under_way) != (step, True):
                continue
        try:
            await take_step(context, own)
        except ServiceError as error:
            after = await _after_error(context, own, error)
        else:
            after = rules.advanced(own, context.clock.now(), context.own_accounts)
        context.after_step(f"{step} done")
        own = await _keep(context, own, after)
        context.after_step(f"{step} kept")
    return own


async def begin(context: Context, own: OwnAccount) -> OwnAccount:
    """The code was right and the profile may leave: from here on it is finished without the viewer."""
    await own_accounts.note_target(context.database, own)
    begun = await _keep(context, own, rules.begun(own, context.clock.now(), context.own_accounts))
    _log.info("own account begun", account_id=str(own.account_id), own_account_id=str(own.own_account_id))
    return begun


async def require_may_leave(context: Context, own: OwnAccount, client: Client) -> None:
    """No profile leaves with a device that was shut out, or fell under suspicion, after the own account was asked for.

    Raises DEVICE_NOT_TRUSTED; NOT_FOUND and STATE_CONFLICT for a profile that is gone, or may not leave any more.
    """
    assessment = await context.device_trust.assess_device(own.account_id, client, SightingKind.HEARTBEAT)
    if assessment.standing in (Standing.SUSPECT, Standing.REVOKED):
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    await context.identity.move_profile(
        own.account_id, own.profile_id, own.target_account_id, dry_run=True, owner_agreed=own.owner_agreed
    )


async def resume(context: Context, own: OwnAccount) -> None:
    """What a worker does with an own account that it has claimed. Errors are noted, and not raised."""
    try:
        if own.state is OwnAccountState.WAITING:
            own = await _look_after_code(context, own)
        await drive(context, own)
    except ServiceError as error:
        _log.warning("own account not finished", own_account_id=str(own.own_account_id), reason=str(error.reason))


async def _look_after_code(context: Context, own: OwnAccount) -> OwnAccount:
    """A gateway crashed while the code was entered: begin, if it was the right one."""
    try:
        challenge = await context.challenge.get_challenge(own.target_account_id, own.challenge_id)
        if challenge.state is not ChallengeState.VERIFIED:
            raise not_found("verified code")
        await require_may_leave(context, own, client_of(context, own))
    except ServiceError as error:
        lasting = error.reason in (ErrorReason.NOT_FOUND, ErrorReason.STATE_CONFLICT, ErrorReason.DEVICE_NOT_TRUSTED)
        if lasting or own.attempts >= context.own_accounts.max_attempts:
            await own_accounts.stop_waiting(context.database, own, str(error.reason))
        if lasting:
            return own
        raise
    return await begin(context, own)


async def _after_error(context: Context, own: OwnAccount, error: ServiceError) -> OwnAccount:
    """What is left where a step cannot be done any more; raises the error where it may be later, after noting it."""
    assert own.step is not None
    now = context.clock.now()
    if rules.is_refused(own.step, error.reason):
        _log.warning("own account called off", own_account_id=str(own.own_account_id), detail=error.detail)
        return rules.called_off(own, now, context.own_accounts)
    if rules.is_stuck(own.step, error.reason):
        failed = rules.stuck(own, str(error.reason))
    else:
        failed = rules.failed(own, str(error.reason), now, context.own_accounts)
    given_up = failed.next_try_time is None and own.next_try_time is not None
    if await own_accounts.keep_failure(context.database, failed) and given_up:
        count_stalled_own_account(own.step)
        _log.error("own account given up", own_account_id=str(own.own_account_id), step=str(own.step))
    raise error


async def _keep(context: Context, before: OwnAccount, after: OwnAccount) -> OwnAccount:
    return after if await own_accounts.keep(context.database, before, after) else await _find(context, before)


async def _find(context: Context, own: OwnAccount) -> OwnAccount:
    found = await own_accounts.find(context.database, own.account_id, own.own_account_id)
    if found is None:
        raise not_found("own account")
    return found


def _lease_is_over(context: Context, own: OwnAccount) -> bool:
    return own.next_try_time is None or own.next_try_time <= context.clock.now()


def is_only_untold(own: OwnAccount) -> bool:
    """Whether all is done but for the notices, for which nobody has to wait."""
    return own.step in (Step.TELL, Step.TELL_BACK)
