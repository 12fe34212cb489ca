"""A session that has yet to prove itself: what it can do, RPC by RPC, and that only the owner's proof lifts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import contact_service_pb2 as contact_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import download_service_pb2 as download_pb
from hearthgate.gateway.v1 import member_service_pb2 as member_pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_account_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from hearthgate.gateway.v1 import privacy_service_pb2 as privacy_pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from hearthgate.gateway.v1 import protection_service_pb2 as protection_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    GATEWAY_SERVICES,
    HOME,
    Household,
    World,
    asked_by,
    failure,
    laptop_fields,
    once,
)

NO_SESSION = {
    *("SignUp", "CompleteSignUp", "AcceptInvitation", "SignIn", "StartPasswordReset", "ResetPassword", "DisownSignIn"),
    "CheckPassword",
    *("ExplainDecision", "GetGrantKeys", "GetSessionKeys", "ListStalledOwnAccounts", "RetryOwnAccount"),
    *("ExportAccountAsOperator", "EraseAccountAsOperator", "CancelErasure", "GetErasure"),
}
"""They ask for no session: the owner's mailbox, a password, support staff or an erasure's secret id vouch there."""
_INVITATION = f"{'0' * 32}.{'A' * 43}"
PROVING = {"RequestVerification", "SubmitCode", "WatchVerification", "SignOut", "RefreshSession"}
"""What a restricted session is for: to prove itself, or to leave. A refreshed one stays restricted."""
EMAIL, TEXT, TRUSTED_DEVICE = (
    standing_pb2.CHANNEL_EMAIL,
    standing_pb2.CHANNEL_TEXT,
    standing_pb2.CHANNEL_TRUSTED_DEVICE,
)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A thief's try: the household's own things, named in a request that is right in every other way."""

    home: Household
    thief: Device
    profile_id: str
    stream: decision_pb.Stream
    verification_id: str

    @property
    def by(self) -> dict[str, Any]:
        return asked_by(self.thief)

    @property
    def once(self) -> dict[str, Any]:
        return once(self.thief)

    @property
    def with_password(self) -> dict[str, Any]:
        return {**self.by, "password": self.home.owner.password}

    @property
    def of_profile(self) -> dict[str, Any]:
        return {**self.by, "profile_id": self.profile_id}


def _moments(attempt: Attempt) -> dict[str, Any]:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(attempt.home.world.clock.now())
    end.FromDatetime(attempt.home.world.clock.now() + timedelta(days=3))
    return {"start_time": start, "end_time": end}


def _own_account(attempt: Attempt) -> account_pb.CreateOwnAccountRequest:
    return account_pb.CreateOwnAccountRequest(
        **attempt.once,
        profile_id=attempt.profile_id,
        email=f"thief.{uuid4().hex[:8]}@example.com",
        password="a-password-of-my-own",
        country_code="BR",
    )


def _change(attempt: Attempt) -> protection_pb.ChangePasswordRequest:
    return protection_pb.ChangePasswordRequest(
        **attempt.once, current_password=attempt.home.owner.password, password="a-password-of-my-own"
    )


def _viewing(attempt: Attempt) -> planning_pb.Viewing:
    now = Timestamp()
    now.FromDatetime(attempt.home.world.clock.now())
    return planning_pb.Viewing(
        viewing_id=str(uuid4()),
        title_id="film",
        device_id=attempt.thief.device_id,
        state=planning_pb.VIEWING_STATE_FINISHED,
        event_time=now,
    )


REFUSED: dict[str, Callable[[Attempt], Any]] = {
    "StopStream": lambda a: playback_pb.StopStreamRequest(**a.by, stream_id=a.stream.stream_id),
    "ListStreams": lambda a: playback_pb.ListStreamsRequest(**a.by),
    "DeferVerification": lambda a: verification_pb.DeferVerificationRequest(**a.once),
    "ListPendingVerifications": lambda a: verification_pb.ListPendingVerificationsRequest(**a.by),
    "ApproveDevice": lambda a: verification_pb.ApproveDeviceRequest(**a.once, verification_id=a.verification_id),
    "RejectDevice": lambda a: verification_pb.RejectDeviceRequest(**a.once, verification_id=a.verification_id),
    "SignOutEverywhere": lambda a: account_pb.SignOutEverywhereRequest(**a.by),
    "CreateOwnAccount": _own_account,
    "ListDevices": lambda a: account_pb.ListDevicesRequest(**a.by),
    "RevokeDevice": lambda a: account_pb.RevokeDeviceRequest(**a.by, device_id=a.home.tv.device_id),
    "DeclareTravel": lambda a: account_pb.DeclareTravelRequest(**a.once, country_code="BR", **_moments(a)),
    "DeclareResidence": lambda a: account_pb.DeclareResidenceRequest(**a.once),
    "ConfigureDownloads": lambda a: download_pb.ConfigureDownloadsRequest(
        **a.of_profile, settings=planning_pb.DownloadSettings(downloads_for_you=True, budget_bytes=1_000_000)
    ),
    "PlanDownloads": lambda a: download_pb.PlanDownloadsRequest(
        **a.of_profile, free_bytes=1_000_000, network=planning_pb.NETWORK_TYPE_WIFI
    ),
    "ReportViewing": lambda a: download_pb.ReportViewingRequest(**a.of_profile, viewings=[_viewing(a)]),
    "WatchDownloadPlan": lambda a: download_pb.WatchDownloadPlanRequest(**a.of_profile),
    "ChangePassword": _change,
    "UpdateMyList": lambda a: download_pb.UpdateMyListRequest(**a.of_profile, add_title_ids=["film"]),
    "ListMyList": lambda a: download_pb.ListMyListRequest(**a.of_profile),
    "ListContacts": lambda a: contact_pb.ListContactsRequest(**a.by),
    "StartContactChange": lambda a: contact_pb.StartContactChangeRequest(
        **a.with_password, request_id=str(uuid4()), channel=EMAIL, destination="thief@example.com"
    ),
    "CompleteContactChange": lambda a: contact_pb.CompleteContactChangeRequest(
        **a.once, change_id=str(uuid4()), code="123456"
    ),
    "RemoveContact": lambda a: contact_pb.RemoveContactRequest(
        **a.with_password, request_id=str(uuid4()), channel=TEXT
    ),
    "AddApprover": lambda a: contact_pb.AddApproverRequest(
        **a.with_password, request_id=str(uuid4()), name="Thief", channel=EMAIL, destination="thief@example.com"
    ),
    "ConfirmApprover": lambda a: contact_pb.ConfirmApproverRequest(**a.once, change_id=str(uuid4()), code="123456"),
    "RemoveApprover": lambda a: contact_pb.RemoveApproverRequest(
        **a.with_password, request_id=str(uuid4()), approver_id=str(uuid4())
    ),
    "InviteMember": lambda a: member_pb.InviteMemberRequest(**a.once, email="thief@example.com"),
    "CancelInvitation": lambda a: member_pb.CancelInvitationRequest(**a.by, member_id=str(uuid4())),
    "RejoinMembership": lambda a: member_pb.RejoinMembershipRequest(**a.by, invitation_token=_INVITATION),
    "ListMembers": lambda a: member_pb.ListMembersRequest(**a.by),
    "RemoveMember": lambda a: member_pb.RemoveMemberRequest(**a.by, member_id=str(uuid4())),
    "RequestMembership": lambda a: member_pb.RequestMembershipRequest(**a.by),
    "ListOwnAccounts": lambda a: own_account_pb.ListOwnAccountsRequest(**a.by),
    "UndoOwnAccount": lambda a: own_account_pb.UndoOwnAccountRequest(**a.by, own_account_id=str(uuid4())),
    "RequestProfileTransfer": lambda a: own_account_pb.RequestProfileTransferRequest(
        **a.once, profile_id=a.profile_id, channel=EMAIL
    ),
    "ListProfileTransfers": lambda a: own_account_pb.ListProfileTransfersRequest(**a.by),
    "DecideProfileTransfer": lambda a: own_account_pb.DecideProfileTransferRequest(
        **a.by, verification_id=a.verification_id, agree=True
    ),
    "SetProfilePin": lambda a: profile_pb.SetProfilePinRequest(**a.of_profile, pin="4711"),
    "CheckProfilePin": lambda a: profile_pb.CheckProfilePinRequest(**a.of_profile, pin="4711"),
    "ExportAccount": lambda a: privacy_pb.ExportAccountRequest(**a.with_password),
    "EraseAccount": lambda a: privacy_pb.EraseAccountRequest(**a.with_password, request_id=str(uuid4())),
}
"""What a restricted session must not do, by RPC, and the request that tries it."""
DECIDED = {"StartStream", "RenewStream"}
"""Whose refusal is an answer."""


def test_every_rpc_of_the_gateway_is_in_one_of_the_lists() -> None:
    """A new RPC has to be looked at here: may a thief call it?"""
    methods = [method.name for service in GATEWAY_SERVICES for method in service.methods]
    assert sorted(methods) == sorted([*NO_SESSION, *PROVING, *REFUSED, *DECIDED])


async def _attempt(home: Household) -> Attempt:
    profile_id = await home.add_profile("Ben")
    stream = (await home.tv.play("film")).stream
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    asked = await thief.request_verification(TRUSTED_DEVICE)
    return Attempt(home=home, thief=thief, profile_id=profile_id, stream=stream, verification_id=asked.verification_id)


async def test_a_restricted_session_can_do_nothing_with_the_account(home: Household, world: World) -> None:
    attempt = await _attempt(home)
    stubs = (
        *(world.playback, world.verification, world.accounts, world.downloads, world.protection, world.contacts),
        *(world.members, world.own_accounts, world.profiles, world.privacy),
    )
    refusals = {}
    for name, request in REFUSED.items():
        (call,) = [getattr(stub, name) for stub in stubs if hasattr(stub, name)]
        sent = call(request(attempt))
        refusals[name] = (await failure(anext(aiter(sent)) if hasattr(sent, "__aiter__") else sent)).reason
    assert refusals == dict.fromkeys(REFUSED, "DEVICE_NOT_TRUSTED")
    assert (await home.tv.renew(attempt.stream)).outcome == decision_pb.OUTCOME_ALLOWED, "the film goes on"
    assert (await world.device("Tablet").sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_restricted_session_neither_starts_nor_renews(home: Household, world: World) -> None:
    attempt = await _attempt(home)
    thief = attempt.thief
    thief.profile_id = attempt.profile_id
    for place, country in ((ABROAD, "BR"), (ELSEWHERE, "DE"), (HOME, "DE")):
        thief.ip_address, thief.country_code = place, country
        for answer in (await thief.play("film"), await thief.renew(attempt.stream)):
            assert answer.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED, place
            assert (answer.grant, answer.HasField("stream")) == ("", False)


@pytest.mark.parametrize("place", [(ABROAD, "BR"), (ELSEWHERE, "DE"), (HOME, "DE")], ids=["abroad", "near", "home"])
@pytest.mark.parametrize("channel", [EMAIL, TEXT, TRUSTED_DEVICE], ids=["email", "text", "device"])
async def test_neither_the_channel_nor_the_place_turns_the_owners_proof_into_the_households(
    home: Household, world: World, channel: standing_pb2.Channel.ValueType, place: tuple[str, str]
) -> None:
    laptop = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    laptop.ip_address, laptop.country_code = place
    assert (await laptop.request_verification(channel)).suspected_theft
    purposes = await world.databases["challenge"].fetch(
        "select distinct purpose from challenge where purpose <> 'sign_up'"
    )
    assert [row["purpose"] for row in purposes] == ["confirm_owner"]


async def test_a_household_code_asked_for_before_is_worth_nothing_in_a_restricted_session(
    home: Household, world: World
) -> None:
    """The code was sent to the same device while it was no suspect; the codes of a session die with it."""
    laptop = await home.signed_in("Laptop", ELSEWHERE, **laptop_fields())
    asked = await laptop.request_verification(EMAIL)
    code = await world.code(home.owner.email, "asks to watch")
    laptop.ip_address, laptop.country_code = ABROAD, "BR"
    stopped = await laptop.sign_in(home.owner)
    assert stopped.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    answer = await laptop.submit_code(asked.verification_id, code)
    assert answer.result == verification_pb.CODE_RESULT_UNKNOWN
    assert (await laptop.play("film")).outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert (await failure(world.accounts.ListDevices(account_pb.ListDevicesRequest(**asked_by(laptop))))).reason == (
        "DEVICE_NOT_TRUSTED"
    )


async def test_a_yes_to_the_households_question_does_not_lift_a_restriction_that_came_later(
    home: Household, world: World
) -> None:
    laptop = await home.signed_in("Laptop", ELSEWHERE, **laptop_fields())
    asked = await laptop.request_verification(TRUSTED_DEVICE)
    laptop.ip_address, laptop.country_code = ABROAD, "BR"
    await laptop.sign_in(home.owner)
    request = verification_pb.ApproveDeviceRequest(**once(home.tv), verification_id=asked.verification_id)
    await world.verification.ApproveDevice(request)
    assert (await laptop.play("film")).outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert (await failure(world.accounts.ListDevices(account_pb.ListDevicesRequest(**asked_by(laptop))))).reason == (
        "DEVICE_NOT_TRUSTED"
    )
