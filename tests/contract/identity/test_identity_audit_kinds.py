"""Whatever changes who may use an account, or how, leaves its event, once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import contact_service_pb2 as contact_pb
from hearthgate.identity.v1 import privacy_service_pb2 as privacy_pb
from hearthgate.identity.v1 import privacy_service_pb2_grpc as privacy_rpc
from libs.rpc.channel import call
from services.identity.domain.audit import AuditKind
from tests.contract.identity.audit_world import kinds, listed, verified
from tests.contract.identity.identity_world import PASSWORD, PHONE, World, new_id
from tests.contract.identity.member_world import BEN, account, cancel, host, invite, join, remove, set_plan
from tests.contract.identity.test_identity_approvers import add
from tests.contract.identity.test_identity_contacts import change, say, verify, wish
from tests.contract.identity.test_identity_pins_and_returns import move, returning, set_pin
from tests.contract.identity.test_identity_pins_and_returns import say as say_of_profiles
from tests.contract.identity.test_identity_protection import demand


@asynccontextmanager
async def told(world: World, account_id: str, *expected: AuditKind) -> AsyncIterator[None]:
    """The block leaves these events in the account's chain, and no others."""
    before = await kinds(world, account_id)
    yield
    assert (await kinds(world, account_id))[len(before) :] == list(expected)


async def test_contacts(world: World) -> None:
    account_id = await world.active()
    request = wish(account_id, PHONE)
    async with told(world, account_id, AuditKind.CONTACT_PUT, AuditKind.CONTACT_VERIFIED):
        put = await say(world, request)
        await say(world, request)
        await verify(world, account_id, put.contact_id)
        await verify(world, account_id, put.contact_id)
    removal = contact_pb.RemoveContactRequest(
        account_id=account_id, channel=standing_pb2.CHANNEL_TEXT, password=PASSWORD
    )
    async with told(world, account_id, AuditKind.CONTACT_REMOVED):
        await say(world, removal)
        await say(world, removal)
    await change(world, account_id)
    async with told(world, account_id, AuditKind.CONTACT_RESTORED):
        for _ in range(2):
            await say(world, contact_pb.RestoreContactRequest(account_id=account_id), "operator")


async def test_approvers(world: World) -> None:
    account_id = await world.active()
    async with told(world, account_id, AuditKind.APPROVER_PUT, AuditKind.APPROVER_VERIFIED):
        approver = await add(world, account_id)
    removal = contact_pb.RemoveApproverRequest(
        account_id=account_id, approver_id=approver.approver_id, password=PASSWORD
    )
    async with told(world, account_id, AuditKind.APPROVER_REMOVED):
        await say(world, removal)
        await say(world, removal)
    events = (await listed(world, account_id)).events[:3]
    assert len({event.object_pseudonym for event in events}) == 1, "one approver throughout"


async def test_a_demanded_reset(world: World) -> None:
    account_id, request_id = await world.active(), new_id()
    async with told(world, account_id, AuditKind.PASSWORD_RESET_DEMANDED):
        await demand(world, account_id, request_id=request_id)
        await demand(world, account_id, request_id=request_id)


async def test_pins_and_the_way_back(world: World) -> None:
    source, target = await world.active(), await world.active(email=BEN)
    profile_id = (await world.profile(source)).profile_id
    async with told(world, source, AuditKind.PROFILE_PIN_SET, AuditKind.PROFILE_PIN_REMOVED):
        await set_pin(world, source, profile_id, "471100")
        await set_pin(world, source, profile_id, "")
    await move(world, source, profile_id, target)
    back = returning(source, profile_id, target)
    async with told(world, source, AuditKind.PROFILE_CAME_BACK), told(world, target, AuditKind.PROFILE_WENT_BACK):
        await say_of_profiles(world, "ReturnProfile", back)
        await say_of_profiles(world, "ReturnProfile", back)


async def test_extra_members_and_plans(world: World) -> None:
    account_id = await host(world)
    async with told(world, account_id, AuditKind.MEMBER_INVITED, AuditKind.INVITATION_CANCELLED):
        request_id = new_id()
        invited = await invite(world, account_id, request_id=request_id)
        await invite(world, account_id, request_id=request_id)
        await cancel(world, account_id, invited.member.member_id)
        await cancel(world, account_id, invited.member.member_id)
    async with told(world, account_id, AuditKind.MEMBER_INVITED, AuditKind.MEMBER_JOINED, AuditKind.MEMBER_REMOVED):
        invited = await invite(world, account_id)
        await join(world, invited.invitation_token)
        await remove(world, account_id, invited.member.member_id)
        await remove(world, account_id, invited.member.member_id)
    invited = await invite(world, account_id, "carl@example.org")
    member_account_id = await join(world, invited.invitation_token, "carl@example.org", profile_name="Carl")
    async with told(world, account_id, AuditKind.MEMBER_LEFT), told(world, member_account_id, AuditKind.PLAN_SET):
        await set_plan(world, member_account_id, "standard")
    details = (await listed(world, member_account_id)).events[0].details
    assert json.loads(details) == {"max_streams": 2, "quality": "FULL_HD", "extra_member_slots": 1}
    assert (await verified(world)).sound


async def test_closing_before_an_erasure_is_told_and_reaches_the_members(world: World) -> None:
    account_id = await host(world)
    invited = await invite(world, account_id)
    member_account_id = await join(world, invited.invitation_token)
    privacy = privacy_rpc.PrivacyServiceStub(world.channels["gateway"])
    closing = privacy_pb.CloseAccountRequest(account_id=account_id, fence=1)
    async with told(world, account_id, AuditKind.ACCOUNT_STATE_SET, AuditKind.ERASURE_BEGUN):
        for _ in range(2):
            await call(privacy.CloseAccount, closing, timeout=10)
    closed = await account(world, member_account_id)
    reopening = privacy_pb.ReopenAccountRequest(account_id=account_id, fence=2)
    async with told(world, account_id, AuditKind.ACCOUNT_STATE_SET, AuditKind.ERASURE_CALLED_OFF):
        for _ in range(2):
            await call(privacy.ReopenAccount, reopening, timeout=10)
    assert closed.state != (await account(world, member_account_id)).state
