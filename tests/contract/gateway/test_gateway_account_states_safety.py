"""What keeps an account safe, by its state: contacts, approvers, passwords, PINs, own accounts, copies and erasure.

The rest of the table is in ``test_gateway_account_states``. On hold all of this goes on: who has not paid is owed the
warning, the way out and the copy like anybody else. Closed, a session is over, and a mail's token is worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import contact_service_pb2 as contact_pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import privacy_service_pb2 as privacy_pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from hearthgate.gateway.v1 import protection_service_pb2 as protection_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from libs.devstack.device import Device, Person
from tests.contract.gateway import member_world
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    GATEWAY_SERVICES,
    THIRD_PLACE,
    Household,
    World,
    asked_by,
    once,
    phone_fields,
)
from tests.contract.gateway.own_account_world import Leaver, leaver
from tests.contract.gateway.test_gateway_account_states import CLOSED, GOES_ON, NOT_THERE, ON_HOLD, TABLE, UNKNOWN
from tests.contract.gateway.test_gateway_contacts import CONFIRM, new_address
from tests.contract.gateway.test_gateway_disown import NEW_PASSWORD, token_in_mail
from tests.contract.gateway.test_gateway_profile_transfer import _viewer
from tests.contract.gateway.test_gateway_restricted import REFUSED, Attempt

EMAIL, REJECTED = standing_pb2.CHANNEL_EMAIL, "CREDENTIALS_REJECTED"
ELSEWHERE_TOLD: Final = {
    *("StartStream", "RenewStream", "ResetPassword", "SignUp", "CompleteSignUp"),
    *("CheckPassword", "GetGrantKeys", "GetSessionKeys"),
    *("ExplainDecision", "ListStalledOwnAccounts", "RetryOwnAccount"),
    *("ExportAccountAsOperator", "EraseAccountAsOperator", "GetErasure", "CancelErasure"),
}
"""Tested beside the other table, about no account yet, or an operator's, whatever the state."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What was in hand before the account's state changed. ``of_tv``: right requests of the television at home."""

    home: Household
    of_tv: Attempt
    kim: Device
    ben: Leaver
    contact_change: tuple[str, str]
    approver_change: tuple[str, str]
    transfer_id: str
    disown_token: str
    invitation: tuple[str, Person]
    verification_id: str
    tablet: Device


def _by(name: str) -> Callable[[Scene], Any]:
    return lambda s: REFUSED[name](s.of_tv)


def _entered(change: tuple[str, str]) -> dict[str, Any]:
    return {"change_id": change[0], "code": change[1]}


SAFETY: Final[dict[str, tuple[Callable[[Scene], Any], str, str]]] = {
    "ListContacts": (_by("ListContacts"), GOES_ON, UNKNOWN),
    "CompleteContactChange": (
        lambda s: contact_pb.CompleteContactChangeRequest(**once(s.home.tv), **_entered(s.contact_change)),
        GOES_ON,
        UNKNOWN,
    ),
    "ConfirmApprover": (
        lambda s: contact_pb.ConfirmApproverRequest(**once(s.tablet), **_entered(s.approver_change)),
        GOES_ON,
        UNKNOWN,
    ),
    "StartContactChange": (_by("StartContactChange"), GOES_ON, UNKNOWN),
    "AddApprover": (_by("AddApprover"), GOES_ON, UNKNOWN),
    "RemoveApprover": (_by("RemoveApprover"), GOES_ON, UNKNOWN),
    "RemoveContact": (_by("RemoveContact"), GOES_ON, UNKNOWN),
    "SetProfilePin": (_by("SetProfilePin"), GOES_ON, UNKNOWN),
    "CheckProfilePin": (
        lambda s: profile_pb.CheckProfilePinRequest(**s.of_tv.of_profile, pin="4711"),
        GOES_ON,
        UNKNOWN,
    ),
    "ListOwnAccounts": (_by("ListOwnAccounts"), GOES_ON, UNKNOWN),
    "ListProfileTransfers": (_by("ListProfileTransfers"), GOES_ON, UNKNOWN),
    "DecideProfileTransfer": (
        lambda s: own_pb.DecideProfileTransferRequest(**asked_by(s.home.tv), verification_id=s.transfer_id, agree=True),
        GOES_ON,
        UNKNOWN,
    ),
    "RequestProfileTransfer": (
        lambda s: own_pb.RequestProfileTransferRequest(**once(s.kim), profile_id=s.kim.profile_id, channel=EMAIL),
        GOES_ON,
        UNKNOWN,
    ),
    "UndoOwnAccount": (lambda s: s.ben.undoing(s.home.tv), GOES_ON, UNKNOWN),
    "RejectDevice": (
        lambda s: verification_pb.RejectDeviceRequest(**once(s.home.tv), verification_id=s.verification_id),
        GOES_ON,
        UNKNOWN,
    ),
    "WatchVerification": (
        lambda s: verification_pb.WatchVerificationRequest(**asked_by(s.kim), verification_id=str(uuid4())),
        NOT_THERE,
        UNKNOWN,
    ),
    "CancelInvitation": (_by("CancelInvitation"), NOT_THERE, UNKNOWN),
    "RemoveMember": (_by("RemoveMember"), NOT_THERE, UNKNOWN),
    "RejoinMembership": (_by("RejoinMembership"), NOT_THERE, UNKNOWN),
    "AcceptInvitation": (
        lambda s: member_world.acceptance(s.home.world.device("Ina's TV", ELSEWHERE), *s.invitation),
        NOT_THERE,
        NOT_THERE,
    ),
    "ReportViewing": (_by("ReportViewing"), GOES_ON, UNKNOWN),
    "UpdateMyList": (_by("UpdateMyList"), GOES_ON, UNKNOWN),
    "ListMyList": (_by("ListMyList"), GOES_ON, UNKNOWN),
    "RefreshSession": (lambda s: s.kim.refresh_request(), GOES_ON, UNKNOWN),
    "ExportAccount": (_by("ExportAccount"), GOES_ON, UNKNOWN),
    "DisownSignIn": (lambda s: protection_pb.DisownSignInRequest(token=s.disown_token), GOES_ON, REJECTED),
    "ChangePassword": (
        lambda s: protection_pb.ChangePasswordRequest(
            **once(s.home.tv), current_password=s.home.owner.password, password=NEW_PASSWORD
        ),
        GOES_ON,
        UNKNOWN,
    ),
    "EraseAccount": (
        lambda s: privacy_pb.EraseAccountRequest(**once(s.home.tv), password=NEW_PASSWORD),
        GOES_ON,
        UNKNOWN,
    ),
}
"""Each RPC with its answer on hold and closed, in an order in which none spoils the next."""


def test_every_rpc_is_in_one_of_the_tables() -> None:
    """A new RPC has to be looked at here: what does it do for an account that is on hold, or closed?"""
    methods = [method.name for service in GATEWAY_SERVICES for method in service.methods]
    assert sorted(methods) == sorted([*TABLE, *SAFETY, *ELSEWHERE_TOLD])


@pytest.mark.parametrize(("state", "column"), [(ON_HOLD, 1), (CLOSED, 2)], ids=["on hold", "closed"])
async def test_what_keeps_an_account_safe_answers_by_the_accounts_state(
    home: Household, world: World, state: identity_pb.AccountState.ValueType, column: int
) -> None:
    scene = await _scene(home, world)
    await home.set_state(state)
    stubs = (
        *(world.verification, world.accounts, world.contacts, world.protection, world.members, world.downloads),
        *(world.own_accounts, world.profiles, world.privacy),
    )
    got = {}
    for name, row in SAFETY.items():
        (call,) = [getattr(stub, name) for stub in stubs if hasattr(stub, name)]
        got[name] = await _answer(call(row[0](scene)))
    assert got == {name: row[column] for name, row in SAFETY.items()}


async def _scene(home: Household, world: World) -> Scene:
    """A household with a code of each kind in hand, somebody who left, and somebody who asks to leave."""
    ben = await leaver(home, world)
    await ben.complete()
    await world.mail(home.owner.email, "Ben's phone")
    kim = await _viewer(home, "locked")
    disown_token = await token_in_mail(home, "Kim's phone")
    asked = own_pb.RequestProfileTransferRequest(
        **once(kim), profile_id=kim.profile_id, channel=standing_pb2.CHANNEL_TRUSTED_DEVICE
    )
    transfer = await world.own_accounts.RequestProfileTransfer(asked)
    friend = await home.signed_in("Friend's phone", THIRD_PLACE, **phone_fields())
    question = await friend.request_verification(standing_pb2.CHANNEL_TRUSTED_DEVICE)
    stream = (await home.tv.play("film")).stream
    of_tv = Attempt(
        home=home, thief=home.tv, profile_id=kim.profile_id, stream=stream, verification_id=question.verification_id
    )
    await world.profiles.SetProfilePin(REFUSED["SetProfilePin"](of_tv))
    tablet, ina = await home.signed_in("Tablet"), member_world.person("Ina")
    await member_world.invite(home, ina.email)
    return Scene(
        home=home,
        of_tv=replace(of_tv, profile_id=kim.profile_id),
        kim=kim,
        ben=ben,
        contact_change=await _contact_change(home, world),
        approver_change=await _approver_change(home, tablet),
        transfer_id=transfer.verification.verification_id,
        disown_token=disown_token,
        invitation=(await member_world.token_of(world, ina.email), ina),
        verification_id=question.verification_id,
        tablet=tablet,
    )


async def _contact_change(home: Household, world: World) -> tuple[str, str]:
    address = new_address()
    change_id = await home.tv.start_contact_change(EMAIL, address, home.owner.password)
    return change_id, await world.code(address, CONFIRM)


async def _approver_change(home: Household, tablet: Device) -> tuple[str, str]:
    """On another device: of one device's codes of a kind the latest counts."""
    request = contact_pb.AddApproverRequest(
        **once(tablet), name="Carl", channel=EMAIL, destination=new_address(), password=home.owner.password
    )
    added = await home.world.contacts.AddApprover(request)
    return added.change_id, await home.world.code(request.destination, CONFIRM)


async def _answer(sent: Any) -> str:
    try:
        await (anext(aiter(sent)) if hasattr(sent, "__aiter__") else sent)
    except grpc.aio.AioRpcError as error:
        status, info = rpc_status.from_call(error), ErrorInfo()
        for detail in status.details if status else ():
            detail.Unpack(info)
        return str(info.reason)
    return GOES_ON
