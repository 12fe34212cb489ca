"""The story: a household, a thief, friends with a lent password, and a phone before a journey."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

import grpc
import jwt

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.downloadplanning.v1 import download_planning_service_pb2_grpc as planning_rpc
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from hearthgate.gateway.v1 import protection_service_pb2 as protection_pb
from hearthgate.gateway.v1 import protection_service_pb2_grpc as protection_rpc
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as identity_rpc
from libs.devstack.demo import catalogue
from libs.devstack.demo.screen import Screen, Step, StoryError, expect
from libs.devstack.device import Device, Person, code_in, has_code
from libs.devstack.environment import NOT_ME_PAGE
from libs.devstack.stack import Stack
from libs.runtime.keys import SigningKey
from libs.testing.smtp import ReceivedMail

HOME = "203.0.113.10"
BENS_FLAT = "198.51.100.20"
CLEOS_FLAT = "192.0.2.30"
DANAS_FLAT = "2001:db8:d:1::7"
FAR_AWAY = "2001:db8:bad:1::9"
_GIGABYTE = 1_000_000_000
_POST_SECONDS = 15.0
_NOT_ME = re.compile(f"({re.escape(NOT_ME_PAGE.removesuffix('{token}'))})(\\S+)")


@dataclass(kw_only=True)
class Story:
    """The running stack, the people in it, and what has happened so far."""

    stack: Stack
    screen: Screen
    steps: dict[str, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.stack.inbox is None or self.stack.smsc is None:
            raise StoryError(
                "the demo reads its own mails and texts: unset HEARTHGATE_SMTP_URL and HEARTHGATE_TEXT_URL"
            )
        self._inbox, self._smsc = self.stack.inbox, self.stack.smsc
        self._read: set[int] = set()
        self._texts = 0
        self.channel = self.stack.gateway_channel()
        suffix = uuid4().hex[:6]
        self.ada = Person(
            name="Ada", email=f"ada.{suffix}@example.com", password="four-words-nobody-guesses", phone="+4915123456789"
        )
        self.dana = Person(name="Dana", email=f"dana.{suffix}@example.com", password="five-other-words-for-dana")
        self.account_id = ""
        self.guest_profiles: list[str] = []
        self.tv = self._device("Living-room TV", context_pb.DEVICE_KIND_TV, context_pb.PLATFORM_TIZEN, HOME)
        self.phone = self._device("Ada's phone", context_pb.DEVICE_KIND_PHONE, context_pb.PLATFORM_ANDROID, HOME)
        self.danas_tv = self._device("Dana's TV", context_pb.DEVICE_KIND_TV, context_pb.PLATFORM_WEBOS, DANAS_FLAT)
        self.laptop = self._device(
            "Unknown laptop", context_pb.DEVICE_KIND_COMPUTER, context_pb.PLATFORM_WEB, FAR_AWAY, country="BR"
        )

    async def tell(self) -> None:
        """Every chapter in order. Raises StoryError at the first that comes out wrong."""
        await self._import_catalogue()
        await self.household_plays()
        # Before the friends come: where new devices turn up all the time, one more looks lent rather than stolen.
        await self.copied_token_refused()
        await self.thief_stopped()
        await self.intruder_shut_out()
        await self.verified_by_email()
        await self.verified_by_text()
        await self.deferred()
        await self.refused_after_deadline()
        await self.own_account_plays()
        await self.downloads_planned()

    async def household_plays(self) -> None:
        """The owner signs up at home and plays; the grant can be verified by anyone with the public keys."""
        self.screen.chapter("A household plays")
        sign_up_id = await self.tv.sign_up(self.ada)
        self.screen.says(self.tv.name, "sign up", "a code is on its way to Ada's mailbox")
        code = await self._code_by_mail(self.ada.email)
        signed_up = await self.tv.complete_sign_up(sign_up_id, code)
        self.account_id = signed_up.account_id
        await self._prove_number()
        answer = await self._play(self.tv, "household_plays", decision_pb.OUTCOME_ALLOWED)
        claims = await self._verify_grant(answer.grant)
        self.screen.says("CDN", "verify the grant by itself", f"stream {claims['sid'][:8]}… may be served", good=True)
        await self.phone.sign_in(self.ada)
        self.screen.says(self.phone.name, "sign in at home", "HOUSEHOLD", good=True)
        for name in ("Ben", "Cleo", "Dana"):
            await self._add_profile(name)

    async def copied_token_refused(self) -> None:
        """Whoever copies a television's tokens lacks its key; the television goes on."""
        self.screen.chapter("A copied token is worth nothing")
        clone = replace(self.tv, name="A copy of the TV", key=SigningKey.generate())
        try:
            await clone.refresh()
        except grpc.aio.AioRpcError as error:
            expect("a refresh without the TV's key", error.code(), grpc.StatusCode.UNAUTHENTICATED)
        else:
            raise StoryError("a copied refresh token was exchanged")
        self.screen.says(clone.name, "refresh the session", "SESSION_UNKNOWN: not signed by the TV's key", good=False)
        await self.tv.refresh()
        self.screen.says(self.tv.name, "refresh the session", "new tokens", good=True)

    async def thief_stopped(self) -> None:
        """A stolen password gets no further than a question to the owner."""
        self.screen.chapter("A stolen password is stopped")
        answer = await self.laptop.sign_in(self.ada)
        _expect_outcome("sign-in from far away", answer.outcome, decision_pb.OUTCOME_VERIFICATION_REQUIRED)
        self.screen.says(self.laptop.name, "sign in with the password", "VERIFICATION_REQUIRED", good=False)
        self.laptop.profile_id = self.tv.profile_id
        start = await self.laptop.play(catalogue.LIGHTHOUSE)
        _expect_outcome("a start by the thief", start.outcome, decision_pb.OUTCOME_VERIFICATION_REQUIRED)
        expect("its reason", start.reasons[0].code, decision_pb.REASON_CODE_SUSPECTED_THEFT)
        self.screen.says(self.laptop.name, "play", "VERIFICATION_REQUIRED: only the owner can clear this", good=False)
        self._warning = await self._mail(self.ada.email, about="Unknown laptop")
        self.steps["thief_stopped"] = _step(answer.outcome, answer.decision_id)

    async def intruder_shut_out(self) -> None:
        """The owner says "it wasn't me", and sets a new password."""
        self.screen.chapter("The owner shuts it out")
        pending = [each for each in await self.phone.pending_verifications() if each.suspected_theft]
        expect("questions on Ada's phone", [each.device.name for each in pending], [self.laptop.name])
        self.screen.says(self.phone.name, f"“{self.laptop.name}, {pending[0].country_code}?”", "it wasn't me")
        await self.phone.it_was_not_me(pending[0].verification_id)
        answer = await self.laptop.play(catalogue.LIGHTHOUSE)
        _expect_outcome("a start after that", answer.outcome, decision_pb.OUTCOME_DENIED)
        again = await self.laptop.sign_in(self.ada)
        _expect_outcome("a sign-in after that", again.outcome, decision_pb.OUTCOME_DENIED)
        self.screen.says(self.laptop.name, "play, sign in again", "DENIED", good=False)
        await self._link_in_mail()
        await self._new_password()
        self.steps["intruder_shut_out"] = _step(answer.outcome, answer.decision_id)

    async def verified_by_email(self) -> None:
        """A friend's TV is asked, waits, and starts by itself once the emailed code was entered."""
        self.screen.chapter("A friend's TV verifies by email")
        tv = await self._lent_tv("Ben's TV", BENS_FLAT, 0)
        verification = await tv.request_verification(standing_pb2.CHANNEL_EMAIL)
        self.screen.says(tv.name, "verify by email", f"code sent to {verification.masked_destination}")
        waiting = asyncio.create_task(_until_over(tv.watch_verification(verification.verification_id)))
        code = await self._code_by_mail(self.ada.email, about="Ben's TV")
        self.screen.note("Ada forwards the code to Ben.")
        await self._enter(tv, verification.verification_id, code)
        expect("the waiting TV", await waiting, verification_pb.VERIFICATION_STATE_VERIFIED)
        self.screen.says(tv.name, "was waiting", "starts by itself", good=True)
        await self._play(tv, "verified_by_email", decision_pb.OUTCOME_ALLOWED_UNTIL)

    async def verified_by_text(self) -> None:
        """Another friend's TV verifies by a text message; a wrong guess is told, and costs a guess."""
        self.screen.chapter("Another verifies by text message")
        tv = await self._lent_tv("Cleo's TV", CLEOS_FLAT, 1)
        verification = await tv.request_verification(standing_pb2.CHANNEL_TEXT)
        self.screen.says(tv.name, "verify by text", f"code sent to {verification.masked_destination}")
        code = await self._code_by_text()
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        guess = await tv.submit_code(verification.verification_id, wrong)
        expect("wrong code", guess.result, verification_pb.CODE_RESULT_WRONG_CODE)
        self.screen.says(tv.name, "a wrong guess", f"{guess.attempts_left} guesses left", good=False)
        await self._enter(tv, verification.verification_id, code)
        await self._play(tv, "verified_by_text", decision_pb.OUTCOME_ALLOWED_UNTIL)

    async def deferred(self) -> None:
        """A third friend's TV verifies later and plays meanwhile."""
        self.screen.chapter("A third verifies later, and plays meanwhile")
        await self._sign_in_lent(self.danas_tv, 2)
        deadline = await self.danas_tv.verify_later()
        self.screen.says(self.danas_tv.name, "verify later", f"until {deadline:%H:%M:%S} UTC")
        self.deadline = deadline
        answer = await self._play(self.danas_tv, "deferred", decision_pb.OUTCOME_ALLOWED_UNTIL)
        self.stream = answer.stream

    async def refused_after_deadline(self) -> None:
        """Once the deadline has passed the stream ends and none starts; an own account is offered."""
        self.screen.chapter("The deadline passes")
        await asyncio.sleep(max(0.0, (self.deadline - datetime.now(UTC)).total_seconds() + 0.05))
        renewal = await self.danas_tv.renew(self.stream)
        _expect_outcome("renewal after the deadline", renewal.outcome, decision_pb.OUTCOME_DENIED)
        self.screen.says(self.danas_tv.name, "keep watching", "DENIED: the stream ends", good=False)
        answer = await self._play(self.danas_tv, "refused_after_deadline", decision_pb.OUTCOME_DENIED)
        offered = {remedy.code for remedy in answer.remedies}
        expect("an own account is offered", decision_pb.REMEDY_CODE_CREATE_OWN_ACCOUNT in offered, True)

    async def own_account_plays(self) -> None:
        """The viewer makes an own account, the profile comes along, and the same TV plays."""
        self.screen.chapter("Dana makes an own account, and her profile comes along")
        profile_id = self.guest_profiles[2]
        sign_up_id = await self.danas_tv.create_own_account(self.dana, profile_id)
        code = await self._code_by_mail(self.dana.email)
        signed_up = await self.danas_tv.complete_sign_up(sign_up_id, code)
        expect("the moved profile", [each.profile_id for each in signed_up.profiles], [profile_id])
        self.screen.says(self.danas_tv.name, "create own account", "profile “Dana” moved", good=True)
        await self._play(self.danas_tv, "own_account_plays", decision_pb.OUTCOME_ALLOWED)

    async def downloads_planned(self) -> None:
        """The phone gets the next episode in place of the watched one, and what suits, within its budget."""
        self.screen.chapter("Ada's phone gets its downloads before the journey")
        await self.phone.configure_downloads(2 * _GIGABYTE)
        await self.phone.watched(catalogue.FIRST_EPISODE)
        has = planning_pb.InventoryItem(
            title_id=catalogue.FIRST_EPISODE,
            rendition_id="sd",
            downloaded_bytes=350 * catalogue.MEGABYTE,
            complete=True,
        )
        plan = await self.phone.plan_downloads([has], 20 * _GIGABYTE)
        for item in plan.items:
            self.screen.says(self.phone.name, f"fetch “{item.name}”", item.reason_text, good=True)
        for removal in plan.removals:
            self.screen.says(self.phone.name, f"then remove {removal.title_id}", "watched")
        expect("the next episode is planned", catalogue.SECOND_EPISODE in [item.title_id for item in plan.items], True)
        expect("the watched one goes", [each.title_id for each in plan.removals], [catalogue.FIRST_EPISODE])
        expect("the budget holds", plan.planned_bytes <= plan.budget_bytes == 2 * _GIGABYTE, True)
        self.steps["downloads_planned"] = Step(outcome="PLANNED", decision_id=plan.plan_id)

    async def _lent_tv(self, name: str, ip_address: str, profile: int) -> Device:
        tv = self._device(name, context_pb.DEVICE_KIND_TV, context_pb.PLATFORM_ANDROID_TV, ip_address)
        await self._sign_in_lent(tv, profile)
        return tv

    async def _sign_in_lent(self, tv: Device, profile: int) -> None:
        """Sign in with Ada's password elsewhere, press play, and be asked."""
        await tv.sign_in(self.ada)
        tv.profile_id = self.guest_profiles[profile]
        answer = await tv.play(catalogue.LIGHTHOUSE)
        _expect_outcome(f"a first start on {tv.name}", answer.outcome, decision_pb.OUTCOME_VERIFICATION_REQUIRED)
        ways = [standing_pb2.Channel.Name(each.channel) for each in answer.verification.options]
        shown = ", ".join(way.removeprefix("CHANNEL_").lower().replace("_", " ") for way in ways)
        later = " or later" if answer.verification.can_defer else ""
        self.screen.says(tv.name, "play", f"VERIFICATION_REQUIRED: by {shown}{later}", good=False)

    async def _enter(self, tv: Device, verification_id: str, code: str) -> None:
        answer = await tv.submit_code(verification_id, code)
        expect("the code", answer.result, verification_pb.CODE_RESULT_ACCEPTED)
        left = answer.allowances.guest_leases_left
        self.screen.says(tv.name, "enter the code", f"a guest now; guest leases left: {left}", good=True)

    async def _play(
        self, device: Device, step: str, wanted: decision_pb.Outcome.ValueType
    ) -> playback_pb.StartStreamResponse:
        answer = await device.play(catalogue.LIGHTHOUSE)
        allowed = answer.outcome in (decision_pb.OUTCOME_ALLOWED, decision_pb.OUTCOME_ALLOWED_UNTIL)
        self.screen.says(device.name, "play", f"{_name(answer.outcome)}: {answer.reasons[0].text}", good=allowed)
        _expect_outcome(f"{step}, a start on {device.name}", answer.outcome, wanted)
        self.steps[step] = _step(answer.outcome, answer.decision_id)
        return answer

    async def _verify_grant(self, grant: str) -> dict[str, str]:
        keys = jwt.PyJWKSet.from_json(await self.tv.grant_keys())
        key = keys[jwt.get_unverified_header(grant)["kid"]]
        claims: dict[str, str] = jwt.decode(grant, key, algorithms=["EdDSA"])
        return claims

    async def _link_in_mail(self) -> None:
        """The mail's own "it wasn't me": what the operator's page does when its button is pressed."""
        link = _NOT_ME.search(self._warning.text)
        if link is None:
            raise StoryError("the warning's mail has no link of \"it wasn't me\"")
        stub = protection_rpc.ProtectionServiceStub(self.channel)
        answer = await stub.DisownSignIn(protection_pb.DisownSignInRequest(token=link[2]))
        expect("the password is to be replaced", answer.password_reset_required, True)
        told = f"{link[1]}…: the old password opens nothing any more"
        self.screen.says("Link in the mail", "it wasn't me", told, good=True)

    async def _new_password(self) -> None:
        reset_id = await self.phone.start_password_reset(self.ada.email)
        code = await self._code_by_mail(self.ada.email, about="password")
        new = Person(name="Ada", email=self.ada.email, password="six-new-words-she-never-used", phone=self.ada.phone)
        ended = await self.phone.reset_password(reset_id, code, new.password)
        self.screen.says(
            self.phone.name, "set a new password", f"{ended.ended_session_count} sessions ended", good=True
        )
        try:
            await self.tv.sign_in(self.ada)
        except grpc.aio.AioRpcError as error:
            expect("the old password", error.code(), grpc.StatusCode.UNAUTHENTICATED)
        else:
            raise StoryError("the old password still signs in")
        answer = await self.phone.sign_in(new)
        _expect_outcome("the new password", answer.outcome, decision_pb.OUTCOME_ALLOWED)
        self.ada = new
        self.screen.note("Ada tells her friends the new password.")

    async def _code_by_mail(self, address: str, about: str = "") -> str:
        return code_in((await self._mail(address, about, with_code=True)).text)

    async def _mail(self, address: str, about: str = "", *, with_code: bool = False) -> ReceivedMail:
        """The next unread mail to an address that speaks of ``about``."""

        def wanted(mail: ReceivedMail) -> bool:
            speaks = about in mail.subject + mail.text and (has_code(mail.text) or not with_code)
            return speaks and mail.sequence not in self._read

        mail = await self._inbox.wait_for(address, wanted, timeout=_POST_SECONDS)
        self._read.add(mail.sequence)
        self.screen.says(f"Mailbox of {address.split('.')[0].title()}", f"“{mail.subject}”")
        return mail

    async def _prove_number(self) -> None:
        """No code goes to a number before its owner has proved to receive there."""
        change_id = await self.tv.start_contact_change(standing_pb2.CHANNEL_TEXT, self.ada.phone, self.ada.password)
        self.screen.says(self.tv.name, "prove the number", "a code is on its way to Ada's phone")
        contact = await self.tv.complete_contact_change(change_id, await self._code_by_text())
        expect("the number", contact.verified, True)

    async def _code_by_text(self) -> str:
        text = await self._smsc.wait_for(self.ada.phone, since=self._texts, timeout=_POST_SECONDS)
        self._texts = self._smsc.position
        self.screen.says("Text on Ada's phone", f"“{text.text.splitlines()[0]}”")
        return code_in(text.text)

    async def _import_catalogue(self) -> None:
        channel = self.stack.leaf_channel("download_planning", "operator")
        stub = planning_rpc.DownloadPlanningServiceStub(channel)
        answer = await stub.ImportTitles(catalogue.import_rows())
        expect("refused titles", answer.refused_count, 0)

    async def _add_profile(self, name: str) -> None:
        channel = self.stack.leaf_channel("identity", "operator")
        stub = identity_rpc.IdentityServiceStub(channel)
        request = identity_pb.CreateProfileRequest(
            request_id=str(uuid4()), account_id=self.account_id, name=name, maturity_age=18
        )
        self.guest_profiles.append((await stub.CreateProfile(request)).profile.profile_id)

    def _device(
        self,
        name: str,
        kind: context_pb.DeviceKind.ValueType,
        platform: context_pb.Platform.ValueType,
        ip_address: str,
        country: str = "DE",
    ) -> Device:
        return Device(
            name=name,
            device_id=f"demo-{uuid4().hex[:12]}",
            kind=kind,
            platform=platform,
            ip_address=ip_address,
            country_code=country,
            channel=self.channel,
        )


async def _until_over(
    changes: AsyncIterator[verification_pb.WatchVerificationResponse],
) -> verification_pb.VerificationState.ValueType:
    """What became of a verification, as the waiting device is told."""
    async for change in changes:
        if change.verification.state != verification_pb.VERIFICATION_STATE_PENDING:
            return change.verification.state
    raise StoryError("the stream of a verification ended before its end")


def _step(outcome: decision_pb.Outcome.ValueType, decision_id: str) -> Step:
    return Step(outcome=_name(outcome), decision_id=decision_id)


def _expect_outcome(what: str, actual: decision_pb.Outcome.ValueType, wanted: decision_pb.Outcome.ValueType) -> None:
    """As ``expect``, with the outcomes' names in the error."""
    expect(what, _name(actual), _name(wanted))


def _name(outcome: decision_pb.Outcome.ValueType) -> str:
    return decision_pb.Outcome.Name(outcome).removeprefix("OUTCOME_")


def describe(error: Exception) -> str:
    """An error in one line, for the end of the story."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error) or type(error).__name__
