"""The gateway's view of identity. Every method raises ServiceError, as identity answered or as the network failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as rpc
from libs.rpc.channel import Channel, call
from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients import conversions
from services.gateway.domain.records import (
    Account,
    Client,
    Contacts,
    Credentials,
    Profile,
    ResolvedSession,
    Session,
    SessionEndReason,
)
from services.gateway.gate import Gate

UNRETRIED: Final = (("hearthgate.identity.v1.IdentityService", "RefreshSession"),)
"""What the channel must not repeat: a refresh token is shown once, a device's signature taken once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAccount:
    """What makes an account. ``move``: source account and profile that are to move in. With ``invitation_token``, an
    extra member's.
    """

    request_id: UUID
    email: str
    phone: str
    password: str
    country_code: str
    language: str
    profile_name: str
    plan_id: str
    move: tuple[UUID, UUID] | None = None
    invitation_token: str = ""

    def __repr__(self) -> str:
        return "NewAccount(…)"


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingAccount:
    """An account that waits for its address to be verified; ``email_taken`` must not reach the asker."""

    account_id: UUID
    email_taken: bool
    email: str

    def __repr__(self) -> str:
        return f"PendingAccount({self.account_id})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticated:
    """An account, which of its passwords was the right one, and whether that has to be reset."""

    account: Account
    credential_version: int
    reset_required: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """A refresh token as shown. ``key_proof``: nonce and signature of its key; ``request_id`` may be empty."""

    refresh_token: str = field(repr=False)
    device_id: str
    request_id: str
    key_proof: tuple[bytes, bytes] | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivatedAccount:
    """An account that has just become usable."""

    account: Account
    profiles: tuple[Profile, ...]
    move: tuple[UUID, UUID] | None


class IdentityClient:
    """Accounts, passwords, profiles and sessions. What costs identity a hash passes ``gate``: OVERLOADED beyond it."""

    def __init__(self, channel: Channel, gate: Gate) -> None:
        self._stub = rpc.IdentityServiceStub(channel)
        self._gate = gate

    async def create_account(self, new: NewAccount) -> PendingAccount:
        """Begin an account."""
        request = pb.CreateAccountRequest(
            request_id=str(new.request_id),
            email=new.email,
            phone=new.phone,
            password=new.password,
            country_code=new.country_code,
            language=new.language,
            profile_name=new.profile_name,
            plan_id=new.plan_id,
            invitation_token=new.invitation_token,
        )
        if new.move:
            request.profile_move.source_account_id = str(new.move[0])
            request.profile_move.profile_id = str(new.move[1])
        answer = await self._gate.call(self._stub.CreateAccount, request)
        return PendingAccount(account_id=UUID(answer.account_id), email_taken=answer.email_taken, email=answer.email)

    async def activate_account(self, account_id: UUID) -> ActivatedAccount:
        """Make a pending account usable."""
        answer = await call(self._stub.ActivateAccount, pb.ActivateAccountRequest(account_id=str(account_id)))
        move = None
        if answer.HasField("profile_move"):
            move = (UUID(answer.profile_move.source_account_id), UUID(answer.profile_move.profile_id))
        return ActivatedAccount(
            account=conversions.account(answer.account),
            profiles=tuple(conversions.profile(each) for each in answer.profiles),
            move=move,
        )

    async def authenticate(self, email: str, password: str, client: Client) -> Authenticated:
        """The account whose password it is. Raises CREDENTIALS_REJECTED, LIMIT_EXCEEDED after too many wrong ones."""
        request = pb.AuthenticateRequest(
            email=email, password=password, device_id=client.device_id, ip_address=client.ip_address
        )
        answer = await self._gate.call(self._stub.Authenticate, request)
        return Authenticated(
            account=conversions.account(answer.account),
            credential_version=answer.credential_version,
            reset_required=answer.reset_required,
        )

    async def open_session(
        self,
        request_id: UUID,
        account_id: UUID,
        device_id: str,
        *,
        restricted: bool,
        device_key: bytes = b"",
        credential_version: int = 0,
    ) -> tuple[Session, Credentials]:
        """A session for a device, and its secrets.

        Raises STATE_CONFLICT for a repeat whose session is over by now; CREDENTIALS_REJECTED where the password is not
        the one of that version any more.
        """
        request = pb.OpenSessionRequest(
            request_id=str(request_id),
            account_id=str(account_id),
            device_id=device_id,
            restricted=restricted,
            device_public_key=device_key,
            credential_version=credential_version,
        )
        answer = await call(self._stub.OpenSession, request)
        if answer.session.state == pb.SESSION_STATE_ENDED:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the session of this request has ended")
        return conversions.session(answer.session), conversions.credentials(answer.tokens)

    async def resolve_session(self, session_token: str) -> ResolvedSession:
        """What stands behind a token. Raises SESSION_UNKNOWN."""
        request = pb.ResolveSessionRequest(session_token=session_token)
        return conversions.resolved_session(await call(self._stub.ResolveSession, request))

    async def refresh_session(self, refresh: Refresh) -> Credentials:
        """New secrets for old ones. Raises SESSION_UNKNOWN."""
        request = pb.RefreshSessionRequest(
            refresh_token=refresh.refresh_token, device_id=refresh.device_id, request_id=refresh.request_id
        )
        if refresh.key_proof is not None:
            nonce, signature = refresh.key_proof
            request.key_proof.CopyFrom(pb.KeyProof(nonce=nonce, signature=signature))
        return conversions.credentials((await call(self._stub.RefreshSession, request)).tokens)

    async def get_session_keys(self) -> str:
        """The public keys of session tokens as a JSON Web Key Set."""
        return (await call(self._stub.GetSessionKeys, pb.GetSessionKeysRequest())).jwks_json

    async def lift_restriction(self, account_id: UUID, session_id: UUID) -> None:
        """Make a restricted session a full one."""
        request = pb.LiftRestrictionRequest(account_id=str(account_id), session_id=str(session_id))
        await call(self._stub.LiftRestriction, request)

    async def end_session(self, account_id: UUID, session_id: UUID, reason: SessionEndReason) -> int:
        """End one session; how many ended by it."""
        return await self._end(pb.EndSessionsRequest(account_id=str(account_id), session_id=str(session_id)), reason)

    async def end_device_sessions(self, account_id: UUID, device_id: str, reason: SessionEndReason) -> int:
        """End a device's sessions; how many ended by it."""
        return await self._end(pb.EndSessionsRequest(account_id=str(account_id), device_id=device_id), reason)

    async def end_other_sessions(self, account_id: UUID, session_id: UUID, reason: SessionEndReason) -> int:
        """End every session but one; how many ended by it."""
        request = pb.EndSessionsRequest(account_id=str(account_id), all=True, except_session_id=str(session_id))
        return await self._end(request, reason)

    async def _end(self, request: pb.EndSessionsRequest, reason: SessionEndReason) -> int:
        request.reason = conversions.to_enum(pb.SessionEndReason, "SESSION_END_REASON_", reason)
        return (await call(self._stub.EndSessions, request)).ended_count

    async def get_account(self, account_id: UUID) -> tuple[Account, tuple[Profile, ...]]:
        """An account and its profiles. Raises NOT_FOUND."""
        answer = await call(self._stub.GetAccount, pb.GetAccountRequest(account_id=str(account_id)))
        return conversions.account(answer.account), tuple(conversions.profile(each) for each in answer.profiles)

    async def get_contacts(self, account_id: UUID, *, masked_only: bool) -> Contacts:
        """How the owner is reached. Raises NOT_FOUND."""
        request = pb.GetContactsRequest(account_id=str(account_id), masked_only=masked_only)
        return conversions.contacts(await call(self._stub.GetContacts, request))

    async def find_account(self, email: str) -> UUID | None:
        """The active account of an address, or None; the asker must not learn which."""
        answer = await call(self._stub.FindAccount, pb.FindAccountRequest(email=email))
        return UUID(answer.account_id) if answer.account_id else None

    async def check_password(self, account_id: UUID, password: str) -> None:
        """Whether a new password would be accepted; no account is looked at, nothing hashed. Raises INVALID_FIELD."""
        request = pb.SetPasswordRequest(account_id=str(account_id), password=password, dry_run=True)
        await call(self._stub.SetPassword, request)

    async def set_password(self, account_id: UUID, password: str, device_id: str) -> int:
        """Set a new password with a code that was entered on this device; how many sessions ended by it."""
        request = pb.SetPasswordRequest(account_id=str(account_id), password=password, device_id=device_id)
        return (await self._gate.call(self._stub.SetPassword, request)).ended_count

    async def change_password(
        self, account_id: UUID, password: str, *, current_password: str, except_session_id: UUID
    ) -> int:
        """Set a new password with the one until now; how many sessions ended by it.

        Raises CREDENTIALS_REJECTED, LIMIT_EXCEEDED after too many wrong ones.
        """
        request = pb.SetPasswordRequest(
            account_id=str(account_id),
            password=password,
            current_password=current_password,
            except_session_id=str(except_session_id),
        )
        return (await self._gate.call(self._stub.SetPassword, request)).ended_count

    async def move_profile(
        self,
        source_account_id: UUID,
        profile_id: UUID,
        target_account_id: UUID,
        *,
        dry_run: bool = False,
        owner_agreed: bool = False,
    ) -> Profile:
        """Move a profile, or only look whether it could be. Raises NOT_FOUND, STATE_CONFLICT."""
        request = pb.MoveProfileRequest(
            source_account_id=str(source_account_id),
            profile_id=str(profile_id),
            target_account_id=str(target_account_id),
            dry_run=dry_run,
            owner_agreed=owner_agreed,
        )
        return conversions.profile((await call(self._stub.MoveProfile, request)).profile)
