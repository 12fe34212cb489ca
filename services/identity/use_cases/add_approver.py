"""AddApprover: begin to add a second adult who gets codes and may approve."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.logging import get_logger
from services.identity.domain.approver import Approver, check_profile, check_room, check_second
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel, normalize
from services.identity.domain.profile import clean_name
from services.identity.storage import accounts, approvers, profiles
from services.identity.storage.requests import RequestKey, claim_request
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account
from services.identity.use_cases.reauthentication import reauthenticate

_log = get_logger(__name__)
_METHOD = "AddApprover"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddApprover:
    """Whom the owner wants beside them, as it came."""

    request_id: UUID
    account_id: UUID
    name: str = field(repr=False)
    channel: Channel
    destination: str = field(repr=False)
    profile_id: UUID | None
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingApprover:
    """Somebody who has yet to prove that they receive there."""

    approver_id: UUID
    destination: str = field(repr=False)
    language: str


async def add_approver(command: AddApprover, *, identity: Identity) -> WaitingApprover:
    """Let them wait for their proof, in place of whoever waited.

    Raises INVALID_FIELD on ``name``, ``destination`` and ``profile_id``; CREDENTIALS_REJECTED, NOT_FOUND,
    LIMIT_EXCEEDED, REQUEST_ID_REUSED, OVERLOADED.
    """
    approver = Approver(
        account_id=command.account_id,
        approver_id=identity.ids.new(),
        name=clean_name(command.name, "name"),
        channel=command.channel,
        destination=normalize(command.channel, command.destination),
        profile_id=command.profile_id,
        verified=False,
        create_time=identity.clock.now(),
    )
    account = await reauthenticate(command.account_id, command.password, identity=identity)
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, command.account_id)
        approver_id = await claim_request(
            transaction,
            _request_key(command.request_id, approver, identity),
            account_id=command.account_id,
            made_id=approver.approver_id,
            now=approver.create_time,
        )
        if approver_id == approver.approver_id:
            await _check(transaction, approver, identity)
            await approvers.insert_approver(transaction, identity.keys, approver)
            about = AuditKind.APPROVER_PUT
            await audit.record(transaction, command.account_id, about, identity=identity, object_id=approver_id)
    _log.info("approver put", account_id=command.account_id, approver_id=approver_id, channel=command.channel)
    return WaitingApprover(approver_id=approver_id, destination=approver.destination, language=account.language)


def _request_key(request_id: UUID, approver: Approver, identity: Identity) -> RequestKey:
    parts = (approver.name, approver.channel, approver.destination, str(approver.profile_id or ""))
    return RequestKey(request_id=request_id, method=_METHOD, fingerprints=identity.keys.fingerprints(_METHOD, *parts))


async def _check(transaction: Executor, approver: Approver, identity: Identity) -> None:
    account_id = approver.account_id
    if approver.profile_id is not None:
        check_profile(await profiles.find_profile(transaction, account_id, approver.profile_id))
    present = await approvers.list_approvers(transaction, identity.keys, account_id)
    verified = [each.contact for each in present if each.verified]
    check_room(len(verified), identity.max_approvers)
    owners = await accounts.list_contacts(transaction, identity.keys, account_id)
    check_second(approver.channel, approver.destination, [*owners, *verified])
