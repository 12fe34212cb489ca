"""The steps of an own account and of its undoing: each a call that may be repeated, whoever crashes in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from hearthgate.common.v1 import client_context_pb2 as context_pb
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import OpenError
from libs.runtime.logging import get_logger
from services.gateway.clients import conversions
from services.gateway.clients.challenge import Notice
from services.gateway.domain.own_account import OwnAccount, Side, Step
from services.gateway.domain.records import AccountState, Channel, Client
from services.gateway.domain.verification import Basis, NoticeKind, RevocationReason, requester_of
from services.gateway.metrics import count_failed_notice
from services.gateway.storage import leases, own_accounts
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.shutting_out import shut_device_out

_LOST_NOTICES: Final = frozenset({ErrorReason.CHANNEL_UNAVAILABLE, ErrorReason.INVALID_FIELD, ErrorReason.NOT_FOUND})
"""A notice that fails so would fail again: what it tells of has happened anyway."""
_log = get_logger(__name__)


def seal_client(context: Context, own_account_id: UUID, client: Client) -> bytes:
    """The client as an own account keeps it while it needs it: its address is nobody else's business."""
    return context.sealing_keys.seal(conversions.client_context(client).SerializeToString(), own_account_id.bytes)


def client_of(context: Context, own: OwnAccount) -> Client:
    """The client behind a step. Raises INTERNAL where it is sealed under a key that is gone."""
    if own.client is None:
        raise ServiceError(ErrorReason.INTERNAL, detail="the client of an own account is not kept")
    try:
        opened = context.sealing_keys.open(own.client, own.own_account_id.bytes)
    except OpenError as error:
        raise ServiceError(ErrorReason.INTERNAL, detail="the client of an own account cannot be opened") from error
    return conversions.client(context_pb.ClientContext.FromString(opened))


async def take_step(context: Context, own: OwnAccount) -> None:
    """Do what is to be done next. Raises ServiceError: as a leaf answered, or as the network failed."""
    assert own.step is not None
    await STEPS[own.step](context, own)


async def _activate(context: Context, own: OwnAccount) -> None:
    await context.identity.activate_account(own.target_account_id)


async def _confirm(context: Context, own: OwnAccount) -> None:
    request_id = step_id(own.own_account_id, "confirm")
    client = client_of(context, own)
    await context.device_trust.confirm_device(request_id, own.target_account_id, client, Basis.ACCOUNT_CREATED)


async def _move_profile(context: Context, own: OwnAccount) -> None:
    await context.identity.move_profile(
        own.account_id, own.profile_id, own.target_account_id, owner_agreed=own.owner_agreed
    )


async def _leave(context: Context, own: OwnAccount) -> None:
    try:
        await shut_device_out(context, own.account_id, own.device_id, RevocationReason.MOVED_AWAY)
    except ServiceError as error:
        # The account never saw the device: there is nothing to leave.
        if error.reason is not ErrorReason.NOT_FOUND:
            raise


async def _move_history(context: Context, own: OwnAccount) -> None:
    await context.download_planning.move_profile(
        own.account_id, own.profile_id, own.target_account_id, device_id=own.device_id
    )


async def _tell(context: Context, own: OwnAccount) -> None:
    assert own.begin_time is not None
    await _notify(context, own, own.account_id, NoticeKind.OWN_ACCOUNT_MADE, own.begin_time)


async def _return_profile(context: Context, own: OwnAccount) -> None:
    try:
        await context.profiles.return_profile(
            own.account_id,
            own.profile_id,
            own.target_account_id,
            step_id(own.own_account_id, "fresh profile"),
            close_if_empty=own.undone_by is Side.TARGET,
            spare_profile_id=await _spare_profile(context, own) if own.undone_by is Side.TARGET else None,
        )
    except ServiceError as error:
        # It was deleted meanwhile: what else can come back comes back.
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        _log.warning("nothing to bring back", own_account_id=str(own.own_account_id))


async def _spare_profile(context: Context, own: OwnAccount) -> UUID | None:
    """The owner's profile that the account got beside a kids' one, if it is all that is left and nobody used it."""
    _, profiles = await context.identity.get_account(own.target_account_id)
    others = [each for each in profiles if each.profile_id != own.profile_id]
    if len(others) != 1 or not others[0].primary:
        return None
    spare_id = others[0].profile_id
    return None if await context.download_planning.is_used(own.target_account_id, spare_id) else spare_id


async def _end_streams(context: Context, own: OwnAccount) -> None:
    """Nothing plays on with the profile that left, or in an account that was closed."""
    try:
        account, _ = await context.identity.get_account(own.target_account_id)
    except ServiceError as error:
        # It was erased meanwhile, with all that ran in it.
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        return
    now, target_id = context.clock.now(), own.target_account_id
    async with context.database.transaction() as transaction:
        await leases.raise_epoch(transaction, target_id)
        await own_accounts.end_profile_streams(transaction, target_id, own.profile_id, now)
        if account.state is AccountState.CLOSED:
            await leases.end_other_streams(transaction, target_id, None, now)


async def _return_history(context: Context, own: OwnAccount) -> None:
    await context.download_planning.move_profile(own.target_account_id, own.profile_id, own.account_id)


async def _let_back(context: Context, own: OwnAccount) -> None:
    try:
        await context.device_trust.lift_revocation(own.account_id, own.device_id)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise


async def _tell_back(context: Context, own: OwnAccount) -> None:
    if own.done_time is None or own.undo_time is None:
        # It was called off before anybody was told that it had happened.
        return
    for account_id in (own.account_id, own.target_account_id):
        await _notify(context, own, account_id, NoticeKind.OWN_ACCOUNT_UNDONE, own.undo_time)


async def _notify(context: Context, own: OwnAccount, account_id: UUID, kind: NoticeKind, event_time: datetime) -> None:
    """Send a notice once. Raises what may be over later; what would fail again is counted and logged."""
    client = client_of(context, own)
    try:
        contacts = await context.identity.get_contacts(account_id, masked_only=False)
        email = contacts.by(Channel.EMAIL)
        if email is None:
            raise ServiceError(ErrorReason.CHANNEL_UNAVAILABLE, detail="no email")
        notice = Notice(
            request_id=step_id(own.own_account_id, f"notice {kind}"),
            account_id=account_id,
            kind=kind,
            email=email.destination,
            language=contacts.language,
            about=requester_of(client),
            event_time=event_time,
        )
        await context.challenge.notify(notice)
    except ServiceError as error:
        # It is on its way already, to the address or in the language of then.
        if error.reason is ErrorReason.REQUEST_ID_REUSED:
            return
        if error.reason not in _LOST_NOTICES:
            raise
        count_failed_notice(kind)
        _log.error("notice not sent", account_id=str(account_id), kind=str(kind), reason=str(error.reason))


STEPS: Final[Mapping[Step, Callable[[Context, OwnAccount], Awaitable[None]]]] = {
    Step.ACTIVATE: _activate,
    Step.CONFIRM: _confirm,
    Step.MOVE_PROFILE: _move_profile,
    Step.LEAVE: _leave,
    Step.MOVE_HISTORY: _move_history,
    Step.TELL: _tell,
    Step.RETURN_PROFILE: _return_profile,
    Step.END_STREAMS: _end_streams,
    Step.RETURN_HISTORY: _return_history,
    Step.LET_BACK: _let_back,
    Step.TELL_BACK: _tell_back,
}
