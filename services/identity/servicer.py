"""IdentityService: each method parses, calls its use case, and builds the answer."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import grpc

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as rpc
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.identity import conversions as convert
from services.identity.use_cases.activate_account import activate_account
from services.identity.use_cases.authenticate import authenticate
from services.identity.use_cases.context import Identity
from services.identity.use_cases.create_account import create_account
from services.identity.use_cases.create_profile import create_profile
from services.identity.use_cases.end_sessions import end_sessions
from services.identity.use_cases.find_account import find_account
from services.identity.use_cases.get_account import get_account
from services.identity.use_cases.get_contacts import get_contacts
from services.identity.use_cases.get_session_keys import get_session_keys
from services.identity.use_cases.lift_restriction import lift_restriction
from services.identity.use_cases.list_plans import list_plans
from services.identity.use_cases.move_profile import move_profile
from services.identity.use_cases.open_session import open_session
from services.identity.use_cases.refresh_session import refresh_session
from services.identity.use_cases.resolve_session import resolve_session
from services.identity.use_cases.set_account_state import set_account_state
from services.identity.use_cases.set_password import SetPassword, set_password

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["IdentityService"].full_name
_GATEWAY: Final = frozenset({"gateway"})
_OPERATOR: Final = frozenset({"operator"})

Context = grpc.aio.ServicerContext[Any, Any]


def registration(identity: Identity) -> Registration:
    """The service with the callers that its contract names."""
    shared = ("EndSessions", "GetAccount", "CreateProfile", "ListPlans")
    return Registration(
        add=rpc.add_IdentityServiceServicer_to_server,
        servicer=IdentityServicer(identity),
        service_name=SERVICE_NAME,
        allowed_callers=_GATEWAY,
        by_method={**dict.fromkeys(shared, _GATEWAY | _OPERATOR), "SetAccountState": _OPERATOR},
    )


class IdentityServicer(rpc.IdentityServiceServicer):
    """The gRPC face of the use cases; the contract's comments stand in the proto."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def CreateAccount(self, request: pb.CreateAccountRequest, context: Context) -> pb.CreateAccountResponse:
        created = await create_account(convert.new_account(request), identity=self._identity)
        return pb.CreateAccountResponse(
            account_id=str(created.account_id), email_taken=created.email_taken, email=created.email
        )

    async def ActivateAccount(self, request: pb.ActivateAccountRequest, context: Context) -> pb.ActivateAccountResponse:
        activated = await activate_account(_account_id(request), identity=self._identity)
        return pb.ActivateAccountResponse(
            account=convert.account_message(activated.account),
            profiles=convert.profile_messages(activated.profiles),
            profile_move=convert.profile_move_message(activated.account.profile_move),
        )

    async def Authenticate(self, request: pb.AuthenticateRequest, context: Context) -> pb.AuthenticateResponse:
        client = {"device_id": request.device_id, "ip_address": request.ip_address}
        found = await authenticate(request.email, request.password, **client, identity=self._identity)
        account = convert.account_message(found.account)
        version, demanded = found.credential.version, found.credential.reset_required
        return pb.AuthenticateResponse(account=account, credential_version=version, reset_required=demanded)

    async def OpenSession(self, request: pb.OpenSessionRequest, context: Context) -> pb.OpenSessionResponse:
        opened = await open_session(convert.new_session(request), identity=self._identity)
        session, tokens = convert.session_message(opened.session), convert.tokens_message(opened)
        return pb.OpenSessionResponse(session=session, tokens=tokens)

    async def ResolveSession(self, request: pb.ResolveSessionRequest, context: Context) -> pb.ResolveSessionResponse:
        resolved = await resolve_session(request.session_token, identity=self._identity)
        return pb.ResolveSessionResponse(
            session=convert.session_message(resolved.session),
            account=convert.account_message(resolved.account),
            profiles=convert.profile_messages(resolved.profiles),
        )

    async def RefreshSession(self, request: pb.RefreshSessionRequest, context: Context) -> pb.RefreshSessionResponse:
        opened = await refresh_session(convert.refresh(request), identity=self._identity)
        session, tokens = convert.session_message(opened.session), convert.tokens_message(opened)
        return pb.RefreshSessionResponse(session=session, tokens=tokens)

    async def GetSessionKeys(self, request: pb.GetSessionKeysRequest, context: Context) -> pb.GetSessionKeysResponse:
        return pb.GetSessionKeysResponse(jwks_json=await get_session_keys(identity=self._identity))

    async def LiftRestriction(self, request: pb.LiftRestrictionRequest, context: Context) -> pb.LiftRestrictionResponse:
        session_id = parse_uuid(request.session_id, "session_id")
        session = await lift_restriction(_account_id(request), session_id, identity=self._identity)
        return pb.LiftRestrictionResponse(session=convert.session_message(session))

    async def EndSessions(self, request: pb.EndSessionsRequest, context: Context) -> pb.EndSessionsResponse:
        which, reason = convert.which_sessions(request), convert.end_reason(request.reason)
        ended = await end_sessions(_account_id(request), which, reason, identity=self._identity)
        return pb.EndSessionsResponse(ended_count=ended)

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        account, profiles = await get_account(_account_id(request), identity=self._identity)
        return pb.GetAccountResponse(
            account=convert.account_message(account), profiles=convert.profile_messages(profiles)
        )

    async def GetContacts(self, request: pb.GetContactsRequest, context: Context) -> pb.GetContactsResponse:
        found = await get_contacts(_account_id(request), identity=self._identity)
        contacts = [convert.contact_message(each, masked_only=request.masked_only) for each in found.contacts]
        return pb.GetContactsResponse(contacts=contacts, language=found.language)

    async def FindAccount(self, request: pb.FindAccountRequest, context: Context) -> pb.FindAccountResponse:
        account_id = await find_account(request.email, identity=self._identity)
        return pb.FindAccountResponse(account_id=str(account_id) if account_id else "")

    async def SetPassword(self, request: pb.SetPasswordRequest, context: Context) -> pb.SetPasswordResponse:
        kept = request.except_session_id
        command = SetPassword(
            account_id=_account_id(request),
            password=request.password,
            current=request.current_password,
            except_id=parse_uuid(kept, "except_session_id") if kept else None,
            dry_run=request.dry_run,
            device_id=request.device_id,
        )
        return pb.SetPasswordResponse(ended_count=await set_password(command, identity=self._identity))

    async def MoveProfile(self, request: pb.MoveProfileRequest, context: Context) -> pb.MoveProfileResponse:
        profile = await move_profile(
            source=parse_uuid(request.source_account_id, "source_account_id"),
            profile_id=parse_uuid(request.profile_id, "profile_id"),
            target=parse_uuid(request.target_account_id, "target_account_id"),
            dry_run=request.dry_run,
            owner_agreed=request.owner_agreed,
            identity=self._identity,
        )
        return pb.MoveProfileResponse(profile=convert.profile_message(profile))

    async def CreateProfile(self, request: pb.CreateProfileRequest, context: Context) -> pb.CreateProfileResponse:
        profile = await create_profile(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=_account_id(request),
            name=request.name,
            maturity_age=request.maturity_age,
            kids=request.kids,
            identity=self._identity,
        )
        return pb.CreateProfileResponse(profile=convert.profile_message(profile))

    async def ListPlans(self, request: pb.ListPlansRequest, context: Context) -> pb.ListPlansResponse:
        plans = await list_plans(identity=self._identity)
        return pb.ListPlansResponse(plans=[convert.plan_message(plan) for plan in plans])

    async def SetAccountState(self, request: pb.SetAccountStateRequest, context: Context) -> pb.SetAccountStateResponse:
        state = convert.account_state(request.state)
        account = await set_account_state(_account_id(request), state, identity=self._identity)
        return pb.SetAccountStateResponse(account=convert.account_message(account))


def _account_id(request: Any) -> UUID:
    return parse_uuid(request.account_id, "account_id")
