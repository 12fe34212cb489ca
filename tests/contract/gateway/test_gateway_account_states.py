"""What each RPC answers for an account that is on hold, and for one that is closed.

On hold nothing plays and nothing is spent; whatever keeps an account safe goes on. Closed, nothing is left to act upon.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import download_service_pb2 as download_pb
from hearthgate.gateway.v1 import member_service_pb2 as member_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, failure, once

ON_HOLD, CLOSED = identity_pb.ACCOUNT_STATE_ON_HOLD, identity_pb.ACCOUNT_STATE_CLOSED
GOES_ON, UNKNOWN, CONFLICT, NOT_THERE = "goes on", "SESSION_UNKNOWN", "STATE_CONFLICT", "NOT_FOUND"


class Scene:
    """A household and a friend's device, with what they had in hand before the account's state changed."""

    def __init__(self, home: Household, friend: Device, verification_id: str, stream: decision_pb.Stream) -> None:
        self.home, self.world, self.tv, self.friend = home, home.world, home.tv, friend
        self.verification_id, self.stream = verification_id, stream

    @property
    def viewer(self) -> dict[str, Any]:
        """The television's profile."""
        return {**asked_by(self.tv), "profile_id": self.home.profile_id}

    async def travel(self) -> Any:
        """The days of a journey."""
        start, end = Timestamp(), Timestamp()
        start.FromDatetime(self.world.clock.now() + timedelta(days=1))
        end.FromDatetime(self.world.clock.now() + timedelta(days=3))
        return await self.world.accounts.DeclareTravel(
            account_pb.DeclareTravelRequest(**once(self.tv), country_code="FR", start_time=start, end_time=end)
        )

    async def own_account(self) -> Any:
        """The friend goes."""
        request = account_pb.CreateOwnAccountRequest(
            **once(self.friend),
            profile_id=await self.home.add_profile("Ben") if not self.closed else self.home.profile_id,
            email=f"ben.{uuid4().hex[:8]}@example.com",
            password="bens-own-four-words",
            country_code="DE",
        )
        return await self.world.accounts.CreateOwnAccount(request)

    closed = False


Call = Callable[[Scene], Awaitable[Any]]

TABLE: Final[dict[str, tuple[Call, str, str]]] = {
    "ListStreams": (
        lambda s: s.world.playback.ListStreams(playback_pb.ListStreamsRequest(**asked_by(s.tv))),
        GOES_ON,
        UNKNOWN,
    ),
    "RequestVerification": (
        lambda s: s.world.verification.RequestVerification(
            verification_pb.RequestVerificationRequest(**once(s.friend), channel=standing_pb2.CHANNEL_EMAIL)
        ),
        CONFLICT,
        UNKNOWN,
    ),
    "DeferVerification": (
        lambda s: s.world.verification.DeferVerification(verification_pb.DeferVerificationRequest(**once(s.friend))),
        CONFLICT,
        UNKNOWN,
    ),
    "SubmitCode": (
        lambda s: s.world.verification.SubmitCode(
            verification_pb.SubmitCodeRequest(**once(s.friend), verification_id=s.verification_id, code="000000")
        ),
        GOES_ON,
        UNKNOWN,
    ),
    "ListPendingVerifications": (
        lambda s: s.world.verification.ListPendingVerifications(
            verification_pb.ListPendingVerificationsRequest(**asked_by(s.tv))
        ),
        GOES_ON,
        UNKNOWN,
    ),
    "ApproveDevice": (
        lambda s: s.world.verification.ApproveDevice(
            verification_pb.ApproveDeviceRequest(**once(s.tv), verification_id=str(uuid4()))
        ),
        NOT_THERE,
        UNKNOWN,
    ),
    "ListDevices": (
        lambda s: s.world.accounts.ListDevices(account_pb.ListDevicesRequest(**asked_by(s.tv))),
        GOES_ON,
        UNKNOWN,
    ),
    "DeclareTravel": (lambda s: s.travel(), CONFLICT, UNKNOWN),
    "DeclareResidence": (
        lambda s: s.world.accounts.DeclareResidence(account_pb.DeclareResidenceRequest(**once(s.tv), name="Cottage")),
        CONFLICT,
        UNKNOWN,
    ),
    "ConfigureDownloads": (
        lambda s: s.world.downloads.ConfigureDownloads(
            download_pb.ConfigureDownloadsRequest(
                **s.viewer, settings=planning_pb.DownloadSettings(smart_downloads=True, budget_bytes=10**9)
            )
        ),
        CONFLICT,
        UNKNOWN,
    ),
    "PlanDownloads": (
        lambda s: s.world.downloads.PlanDownloads(
            download_pb.PlanDownloadsRequest(**s.viewer, free_bytes=10**9, network=planning_pb.NETWORK_TYPE_WIFI)
        ),
        CONFLICT,
        UNKNOWN,
    ),
    "WatchDownloadPlan": (
        lambda s: s.world.downloads.WatchDownloadPlan(
            download_pb.WatchDownloadPlanRequest(**s.viewer), timeout=10
        ).read(),
        CONFLICT,
        UNKNOWN,
    ),
    "InviteMember": (
        lambda s: s.world.members.InviteMember(member_pb.InviteMemberRequest(**once(s.tv), email="carol@example.com")),
        CONFLICT,
        UNKNOWN,
    ),
    "ListMembers": (
        lambda s: s.world.members.ListMembers(member_pb.ListMembersRequest(**asked_by(s.tv))),
        GOES_ON,
        UNKNOWN,
    ),
    "RequestMembership": (
        lambda s: s.world.members.RequestMembership(member_pb.RequestMembershipRequest(**asked_by(s.friend))),
        CONFLICT,
        UNKNOWN,
    ),
    "CreateOwnAccount": (lambda s: s.own_account(), GOES_ON, UNKNOWN),
    "StopStream": (
        lambda s: s.world.playback.StopStream(
            playback_pb.StopStreamRequest(**asked_by(s.tv), stream_id=s.stream.stream_id)
        ),
        GOES_ON,
        UNKNOWN,
    ),
    "StartPasswordReset": (
        lambda s: s.tv.start_password_reset(s.home.owner.email),
        GOES_ON,
        GOES_ON,
    ),
    "SignIn": (lambda s: s.tv.sign_in(s.home.owner), GOES_ON, CONFLICT),
    "RevokeDevice": (
        lambda s: s.world.accounts.RevokeDevice(
            account_pb.RevokeDeviceRequest(**asked_by(s.tv), device_id=s.friend.device_id)
        ),
        GOES_ON,
        UNKNOWN,
    ),
    "SignOutEverywhere": (
        lambda s: s.world.accounts.SignOutEverywhere(account_pb.SignOutEverywhereRequest(**asked_by(s.tv))),
        GOES_ON,
        UNKNOWN,
    ),
    "SignOut": (
        lambda s: s.world.accounts.SignOut(account_pb.SignOutRequest(**asked_by(s.tv))),
        GOES_ON,
        UNKNOWN,
    ),
}
"""Each RPC with its answer on hold and closed; StartStream and RenewStream answer by an outcome, and stand below."""


@pytest.mark.parametrize(("state", "column"), [(ON_HOLD, 1), (CLOSED, 2)], ids=["on hold", "closed"])
async def test_each_rpc_answers_by_the_accounts_state(
    home: Household, world: World, state: identity_pb.AccountState.ValueType, column: int
) -> None:
    scene = await _scene(home, state)
    got = {name: await _answer(row[0], scene) for name, row in TABLE.items()}
    assert got == {name: row[column] for name, row in TABLE.items()}


@pytest.mark.parametrize(
    ("state", "reason"),
    [(ON_HOLD, decision_pb.REASON_CODE_ACCOUNT_ON_HOLD), (CLOSED, decision_pb.REASON_CODE_ACCOUNT_CLOSED)],
)
async def test_nothing_starts_and_what_runs_ends_at_its_renewal(
    home: Household, state: identity_pb.AccountState.ValueType, reason: decision_pb.ReasonCode.ValueType
) -> None:
    stream = (await home.tv.play("film")).stream
    await home.set_state(state)
    for refused in (await home.tv.renew(stream), await home.tv.play("film")):
        assert (refused.outcome, refused.reasons[0].code) == (decision_pb.OUTCOME_DENIED, reason)
        assert [each.code for each in refused.remedies] == [decision_pb.REMEDY_CODE_CONTACT_OWNER]
        assert not refused.grant
    await home.set_state(identity_pb.ACCOUNT_STATE_ACTIVE)
    assert (await failure_or_none(home.tv, stream)) == "over", "its slot was free at once"


async def test_a_theft_is_cleared_and_a_password_set_while_the_account_is_on_hold(
    home: Household, world: World
) -> None:
    await home.set_state(ON_HOLD)
    reset_id = await home.tv.start_password_reset(home.owner.email)
    answer = await home.tv.reset_password(reset_id, await world.code(home.owner.email), "another-four-word-phrase")
    assert answer.ended_session_count == 1
    assert (await home.tv.sign_in(home.owner, "another-four-word-phrase")).credentials.session_token


async def test_a_reset_that_began_before_the_account_was_closed_is_refused_like_any_wrong_code(
    home: Household, world: World
) -> None:
    reset_id = await home.tv.start_password_reset(home.owner.email)
    code = await world.code(home.owner.email)
    await home.set_state(CLOSED)
    refused = await failure(home.tv.reset_password(reset_id, code, "another-four-word-phrase"))
    assert refused.reason == "CREDENTIALS_REJECTED"


async def failure_or_none(device: Device, stream: decision_pb.Stream) -> str:
    """Whether a stream is over, said by an error or by an outcome."""
    try:
        answer = await device.renew(stream)
    except grpc.aio.AioRpcError:
        return "over"
    return "runs" if answer.outcome == decision_pb.OUTCOME_ALLOWED else "over"


async def _scene(home: Household, state: identity_pb.AccountState.ValueType) -> Scene:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(standing_pb2.CHANNEL_EMAIL)
    stream = (await home.tv.play("film")).stream
    await home.set_state(state)
    scene = Scene(home, friend, asked.verification_id, stream)
    scene.closed = state == CLOSED
    return scene


async def _answer(call: Call, scene: Scene) -> str:
    try:
        await call(scene)
    except grpc.aio.AioRpcError as error:
        status, info = rpc_status.from_call(error), ErrorInfo()
        for detail in status.details if status else ():
            detail.Unpack(info)
        return str(info.reason)
    return GOES_ON
