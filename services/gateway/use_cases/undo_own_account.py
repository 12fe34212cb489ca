"""UndoOwnAccount: the profile goes back, with its list, its history and what was watched meanwhile."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain import own_account as rules
from services.gateway.domain.own_account import OwnAccount, OwnAccountState, Side
from services.gateway.domain.records import MEMBER_STANDINGS, AccountState, Client, Standing
from services.gateway.storage import erasures, own_accounts
from services.gateway.use_cases.context import Context, resolve_live, step_id
from services.gateway.use_cases.own_account_saga import drive
from services.gateway.use_cases.own_account_steps import seal_client

_log = get_logger(__name__)


async def undo_own_account(
    context: Context, session_token: str, client: Client, own_account_id: UUID
) -> OwnAccountState:
    """What it is now: UNDOING where a worker goes on with it. Of both sides at once the first one decides.

    An own account that its viewer has closed to have it erased gives the profile back as long as it can be had back
    itself: nobody's erasure takes the other side's fourteen days. Raises SESSION_UNKNOWN, DEVICE_NOT_TRUSTED,
    NOT_FOUND; STATE_CONFLICT after its time, before it was done, and where the profile cannot go back.
    """
    own, side = await _find(context, session_token, client, own_account_id)
    if rules.check_undoable(own, context.clock.now(), context.own_accounts):
        await _require_returnable(context, own, side)
        own = await _begin(context, own, side, client)
    try:
        return (await drive(context, own)).state
    except ServiceError as error:
        if error.reason is ErrorReason.STATE_CONFLICT:
            raise
        _log.warning("undoing waits", own_account_id=str(own.own_account_id), reason=str(error.reason))
        return OwnAccountState.UNDOING


async def _find(context: Context, session_token: str, client: Client, own_account_id: UUID) -> tuple[OwnAccount, Side]:
    """The own account, and on which side of it the asker is."""
    resolved = await resolve_live(context, session_token, client)
    account_id = resolved.account.account_id
    assessment = await context.device_trust.assess_device(account_id, client, SightingKind.HEARTBEAT)
    if assessment.standing in (Standing.SUSPECT, Standing.REVOKED):
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    made_as = await own_accounts.find_by_target(context.database, account_id)
    if made_as is not None and made_as.own_account_id == own_account_id:
        return made_as, Side.TARGET
    if assessment.standing not in MEMBER_STANDINGS:
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    own = await own_accounts.find(context.database, account_id, own_account_id)
    if own is None:
        raise not_found("own account")
    return own, Side.SOURCE


async def _require_returnable(context: Context, own: OwnAccount, side: Side) -> None:
    try:
        await _require_open_or_in_grace(context, own.target_account_id)
        await context.profiles.return_profile(
            own.account_id,
            own.profile_id,
            own.target_account_id,
            step_id(own.own_account_id, "fresh profile"),
            close_if_empty=side is Side.TARGET,
            dry_run=True,
        )
    except ServiceError as error:
        if error.reason is ErrorReason.NOT_FOUND:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail="there is nothing to bring back") from error
        raise


async def _require_open_or_in_grace(context: Context, account_id: UUID) -> None:
    """Raises STATE_CONFLICT for an account that was closed otherwise than by an erasure which has deleted nothing."""
    account, _ = await context.identity.get_account(account_id)
    if account.state is not AccountState.CLOSED:
        return
    erasure = await erasures.find(context.database, erasures.erasure_id_of(context.digest_key, account_id))
    if erasure is None or not erasure.can_be_cancelled:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the own account is closed")


async def _begin(context: Context, own: OwnAccount, side: Side, client: Client) -> OwnAccount:
    sealed = seal_client(context, own.own_account_id, client)
    undoing = rules.undone_from(own, side, sealed, context.clock.now(), context.own_accounts)
    if await own_accounts.keep(context.database, own, undoing):
        _log.info("own account being undone", own_account_id=str(own.own_account_id), side=str(side))
        context.after_step("UNDO kept")
        return undoing
    # The other side was there a moment before.
    found = await own_accounts.find(context.database, own.account_id, own.own_account_id)
    if found is None:
        raise not_found("own account")
    return found
