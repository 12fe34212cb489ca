"""A device, as its app would call the gateway through the generated stubs."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import account_service_pb2_grpc as account_rpc
from hearthgate.gateway.v1 import contact_service_pb2 as contact_pb
from hearthgate.gateway.v1 import contact_service_pb2_grpc as contact_rpc
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import download_service_pb2 as download_pb
from hearthgate.gateway.v1 import download_service_pb2_grpc as download_rpc
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from hearthgate.gateway.v1 import playback_service_pb2_grpc as playback_rpc
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from hearthgate.gateway.v1 import verification_service_pb2_grpc as verification_rpc
from libs.runtime.keys import SigningKey

_REFRESH_CONTEXT = b"hearthgate session refresh v1\0"
_CODE = re.compile(r"(?<!\d)(\d{6})(?!\d)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody with a mailbox and a password."""

    name: str
    email: str
    password: str = field(repr=False)
    phone: str = ""


@dataclass(kw_only=True)
class Device:
    """A device somewhere, signed in or not."""

    name: str
    device_id: str
    kind: context_pb.DeviceKind.ValueType
    platform: context_pb.Platform.ValueType
    ip_address: str
    country_code: str
    channel: grpc.aio.Channel
    session_token: str = ""
    refresh_token: str = field(default="", repr=False)
    profile_id: str = ""
    key: SigningKey | None = field(default_factory=SigningKey.generate)

    def __post_init__(self) -> None:
        self._account = account_rpc.AccountServiceStub(self.channel)
        self._contact = contact_rpc.ContactServiceStub(self.channel)
        self._playback = playback_rpc.PlaybackServiceStub(self.channel)
        self._download = download_rpc.DownloadServiceStub(self.channel)
        self._verification = verification_rpc.VerificationServiceStub(self.channel)

    def context(self) -> context_pb.ClientContext:
        """What the edge would tell of it."""
        device = context_pb.Device(id=self.device_id, kind=self.kind, name=self.name, platform=self.platform)
        return context_pb.ClientContext(ip_address=self.ip_address, device=device, country_code=self.country_code)

    async def sign_up(self, person: Person) -> str:
        """Begin an account; the id under which its code is handed in."""
        request = account_pb.SignUpRequest(
            request_id=str(uuid4()),
            email=person.email,
            phone=person.phone,
            password=person.password,
            profile_name=person.name,
            country_code=self.country_code,
            plan_id="premium",
            client=self.context(),
        )
        return (await self._account.SignUp(request)).sign_up_id

    async def create_own_account(self, person: Person, profile_id: str) -> str:
        """Begin an own account to which a profile moves."""
        request = account_pb.CreateOwnAccountRequest(
            request_id=str(uuid4()),
            session_token=self.session_token,
            profile_id=profile_id,
            email=person.email,
            password=person.password,
            country_code=self.country_code,
            client=self.context(),
        )
        return (await self._account.CreateOwnAccount(request)).sign_up_id

    async def complete_sign_up(self, sign_up_id: str, code: str) -> account_pb.CompleteSignUpResponse:
        """Hand in the code; this device is signed in."""
        request = account_pb.CompleteSignUpRequest(
            request_id=str(uuid4()),
            sign_up_id=sign_up_id,
            code=code,
            client=self.context(),
            device_public_key=self._public_key(),
        )
        answer = await self._account.CompleteSignUp(request)
        self._keep(answer.credentials)
        self.profile_id = answer.profiles[0].profile_id
        return answer

    async def start_contact_change(
        self, channel: standing_pb2.Channel.ValueType, destination: str, password: str
    ) -> str:
        """Have a code sent to a new address or number; the id under which it is handed in."""
        request = contact_pb.StartContactChangeRequest(
            request_id=str(uuid4()),
            session_token=self.session_token,
            client=self.context(),
            channel=channel,
            destination=destination,
            password=password,
        )
        return (await self._contact.StartContactChange(request)).change_id

    async def complete_contact_change(self, change_id: str, code: str) -> contact_pb.OwnerContact:
        """Hand in the code of a change."""
        request = contact_pb.CompleteContactChangeRequest(
            request_id=str(uuid4()),
            session_token=self.session_token,
            client=self.context(),
            change_id=change_id,
            code=code,
        )
        return (await self._contact.CompleteContactChange(request)).contact

    async def sign_in(self, person: Person, password: str = "") -> account_pb.SignInResponse:
        """Sign in with the person's password (or another)."""
        request = account_pb.SignInRequest(
            request_id=str(uuid4()),
            email=person.email,
            password=password or person.password,
            client=self.context(),
            device_public_key=self._public_key(),
        )
        answer = await self._account.SignIn(request)
        self._keep(answer.credentials)
        if answer.profiles:
            self.profile_id = self.profile_id or answer.profiles[0].profile_id
        return answer

    async def refresh(self) -> None:
        """Exchange the refresh token for new tokens, with the key's signature where the device has a key."""
        self._keep((await self._account.RefreshSession(self.refresh_request())).credentials)

    def refresh_request(self) -> account_pb.RefreshSessionRequest:
        """The exchange of the refresh token, signed for once."""
        request = account_pb.RefreshSessionRequest(
            refresh_token=self.refresh_token, client=self.context(), request_id=str(uuid4())
        )
        if self.key is not None:
            nonce = secrets.token_bytes(16)
            token_digest = sha256(self.refresh_token.encode()).digest()
            message = _REFRESH_CONTEXT + token_digest + nonce + self.device_id.encode()
            request.key_proof.CopyFrom(account_pb.KeyProof(nonce=nonce, signature=self.key.sign(message)))
        return request

    def _keep(self, credentials: account_pb.SessionCredentials) -> None:
        self.session_token, self.refresh_token = credentials.session_token, credentials.refresh_token

    def _public_key(self) -> bytes:
        return self.key.public_bytes if self.key else b""

    async def play(self, title_id: str) -> playback_pb.StartStreamResponse:
        """Press play."""
        request = playback_pb.StartStreamRequest(
            request_id=str(uuid4()),
            session_token=self.session_token,
            profile_id=self.profile_id,
            title_id=title_id,
            client=self.context(),
        )
        return await self._playback.StartStream(request)

    async def renew(self, stream: decision_pb.Stream) -> playback_pb.RenewStreamResponse:
        """Keep watching."""
        request = playback_pb.RenewStreamRequest(
            session_token=self.session_token,
            stream_id=stream.stream_id,
            fencing_token=stream.fencing_token,
            client=self.context(),
        )
        return await self._playback.RenewStream(request)

    async def grant_keys(self) -> str:
        """The keys with which a CDN verifies grants."""
        return (await self._playback.GetGrantKeys(playback_pb.GetGrantKeysRequest())).jwks_json

    async def request_verification(self, channel: standing_pb2.Channel.ValueType) -> verification_pb.VerificationStatus:
        """Have a code sent to the owner."""
        request = verification_pb.RequestVerificationRequest(
            request_id=str(uuid4()), session_token=self.session_token, client=self.context(), channel=channel
        )
        return (await self._verification.RequestVerification(request)).verification

    def watch_verification(self, verification_id: str) -> AsyncIterator[verification_pb.WatchVerificationResponse]:
        """Wait for what becomes of it."""
        request = verification_pb.WatchVerificationRequest(
            session_token=self.session_token, client=self.context(), verification_id=verification_id
        )
        return self._verification.WatchVerification(request, timeout=30).__aiter__()

    async def submit_code(self, verification_id: str, code: str) -> verification_pb.SubmitCodeResponse:
        """Enter a code."""
        request = verification_pb.SubmitCodeRequest(
            request_id=str(uuid4()),
            session_token=self.session_token,
            client=self.context(),
            verification_id=verification_id,
            code=code,
        )
        return await self._verification.SubmitCode(request)

    async def verify_later(self) -> datetime:
        """Put verifying off; the deadline."""
        request = verification_pb.DeferVerificationRequest(
            request_id=str(uuid4()), session_token=self.session_token, client=self.context()
        )
        return (await self._verification.DeferVerification(request)).deadline.ToDatetime(tzinfo=UTC)

    async def pending_verifications(self) -> list[verification_pb.VerificationStatus]:
        """What waits for the household's answer."""
        request = verification_pb.ListPendingVerificationsRequest(
            session_token=self.session_token, client=self.context()
        )
        return list((await self._verification.ListPendingVerifications(request)).verifications)

    async def it_was_not_me(self, verification_id: str) -> verification_pb.RejectDeviceResponse:
        """Shut the asking device out."""
        request = verification_pb.RejectDeviceRequest(
            request_id=str(uuid4()),
            session_token=self.session_token,
            client=self.context(),
            verification_id=verification_id,
        )
        return await self._verification.RejectDevice(request)

    async def start_password_reset(self, email: str) -> str:
        """Have a reset code sent; the id under which it is handed in."""
        request = account_pb.StartPasswordResetRequest(request_id=str(uuid4()), email=email, client=self.context())
        return (await self._account.StartPasswordReset(request)).reset_id

    async def reset_password(self, reset_id: str, code: str, password: str) -> account_pb.ResetPasswordResponse:
        """Set a new password."""
        request = account_pb.ResetPasswordRequest(
            request_id=str(uuid4()), reset_id=reset_id, code=code, password=password, client=self.context()
        )
        return await self._account.ResetPassword(request)

    async def configure_downloads(self, budget_bytes: int) -> None:
        """Switch both kinds of downloads on."""
        settings = planning_pb.DownloadSettings(downloads_for_you=True, smart_downloads=True, budget_bytes=budget_bytes)
        request = download_pb.ConfigureDownloadsRequest(
            session_token=self.session_token, profile_id=self.profile_id, client=self.context(), settings=settings
        )
        await self._download.ConfigureDownloads(request)

    async def watched(self, title_id: str) -> None:
        """Tell that a title was watched to the end."""
        now = Timestamp()
        now.GetCurrentTime()
        viewing = planning_pb.Viewing(
            viewing_id=str(uuid4()),
            title_id=title_id,
            device_id=self.device_id,
            state=planning_pb.VIEWING_STATE_FINISHED,
            position=Duration(seconds=2_700),
            event_time=now,
        )
        request = download_pb.ReportViewingRequest(
            session_token=self.session_token, profile_id=self.profile_id, client=self.context(), viewings=[viewing]
        )
        await self._download.ReportViewing(request)

    async def plan_downloads(
        self, inventory: list[planning_pb.InventoryItem], free_bytes: int
    ) -> planning_pb.DownloadPlan:
        """What should be on this device."""
        request = download_pb.PlanDownloadsRequest(
            session_token=self.session_token,
            profile_id=self.profile_id,
            client=self.context(),
            inventory=inventory,
            free_bytes=free_bytes,
            network=planning_pb.NETWORK_TYPE_WIFI,
        )
        return (await self._download.PlanDownloads(request)).plan


def has_code(message: str) -> bool:
    """Whether a code stands in a mail or a text."""
    return _CODE.search(message) is not None


def code_in(message: str) -> str:
    """The code that stands in a mail or a text. Raises ValueError when none does."""
    match = _CODE.search(message)
    if match is None:
        raise ValueError("no code in the message")
    return match[1]
