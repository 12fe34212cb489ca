"""AccountService over the use cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import account_service_pb2_grpc as rpc
from services.gateway import answers
from services.gateway.clients.conversions import client, moment, timestamp
from services.gateway.clients.device_trust import DeviceSummary
from services.gateway.clients.identity import NewAccount, Refresh
from services.gateway.use_cases.complete_sign_up import CompleteSignUp, complete_sign_up
from services.gateway.use_cases.context import Context, account_hint
from services.gateway.use_cases.create_own_account import CreateOwnAccount, create_own_account
from services.gateway.use_cases.declare_residence import declare_residence
from services.gateway.use_cases.declare_travel import DeclareTravel, declare_travel
from services.gateway.use_cases.get_session_keys import get_session_keys
from services.gateway.use_cases.list_devices import list_devices
from services.gateway.use_cases.profile_transfers import BroughtYes
from services.gateway.use_cases.refresh_session import refresh_session
from services.gateway.use_cases.reset_password import ResetPassword, reset_password
from services.gateway.use_cases.revoke_device import revoke_device
from services.gateway.use_cases.sign_in import SignIn, sign_in
from services.gateway.use_cases.sign_out import sign_out
from services.gateway.use_cases.sign_out_everywhere import sign_out_everywhere
from services.gateway.use_cases.sign_up import SignUp, sign_up
from services.gateway.use_cases.start_password_reset import StartPasswordReset, start_password_reset


class AccountServicer(rpc.AccountServiceServicer):
    """What a device does with an account."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def SignUp(self, request: pb.SignUpRequest, context: Any) -> pb.SignUpResponse:
        command = SignUp(
            new=_new_account(request, profile_name=request.profile_name, move=None),
            body_digest=self._context.body_digest(request),
            client=client(request.client),
        )
        proof = await sign_up(self._context, command)
        return pb.SignUpResponse(sign_up_id=str(proof.proof_id), expire_time=timestamp(proof.expire_time))

    async def CreateOwnAccount(self, request: pb.CreateOwnAccountRequest, context: Any) -> pb.CreateOwnAccountResponse:
        profile_id = UUID(request.profile_id)
        move = (account_hint(request.session_token), profile_id)
        command = CreateOwnAccount(
            session_token=request.session_token,
            profile_id=profile_id,
            new=_new_account(request, profile_name=request.profile_name, move=move),
            body_digest=self._context.body_digest(request),
            client=client(request.client),
            yes=_brought_yes(request),
        )
        proof = await create_own_account(self._context, command)
        return pb.CreateOwnAccountResponse(sign_up_id=str(proof.proof_id), expire_time=timestamp(proof.expire_time))

    async def CompleteSignUp(self, request: pb.CompleteSignUpRequest, context: Any) -> pb.CompleteSignUpResponse:
        command = CompleteSignUp(
            request_id=UUID(request.request_id),
            sign_up_id=UUID(request.sign_up_id),
            client=client(request.client),
            code=request.code,
            device_key=request.device_public_key,
        )
        signed_up = await complete_sign_up(self._context, command)
        return pb.CompleteSignUpResponse(
            account_id=str(signed_up.account_id),
            credentials=answers.credentials(signed_up.credentials),
            profiles=[answers.profile(each) for each in signed_up.profiles],
        )

    async def SignIn(self, request: pb.SignInRequest, context: Any) -> pb.SignInResponse:
        command = SignIn(
            request_id=UUID(request.request_id),
            body_digest=self._context.body_digest(request),
            email=request.email,
            password=request.password,
            client=client(request.client),
            device_key=request.device_public_key,
        )
        say = self._context.languages.closest(command.client.language)
        return answers.sign_in_response(await sign_in(self._context, command), say)

    async def RefreshSession(self, request: pb.RefreshSessionRequest, context: Any) -> pb.RefreshSessionResponse:
        secrets = await refresh_session(self._context, _refresh(request))
        return pb.RefreshSessionResponse(credentials=answers.credentials(secrets))

    async def GetSessionKeys(self, request: pb.GetSessionKeysRequest, context: Any) -> pb.GetSessionKeysResponse:
        return pb.GetSessionKeysResponse(jwks_json=await get_session_keys(self._context))

    async def SignOut(self, request: pb.SignOutRequest, context: Any) -> pb.SignOutResponse:
        streams = await sign_out(self._context, request.session_token, client(request.client))
        return pb.SignOutResponse(ended_stream_count=streams)

    async def SignOutEverywhere(
        self, request: pb.SignOutEverywhereRequest, context: Any
    ) -> pb.SignOutEverywhereResponse:
        ended = await sign_out_everywhere(self._context, request.session_token, client(request.client))
        return pb.SignOutEverywhereResponse(ended_session_count=ended.sessions, ended_stream_count=ended.streams)

    async def StartPasswordReset(
        self, request: pb.StartPasswordResetRequest, context: Any
    ) -> pb.StartPasswordResetResponse:
        command = StartPasswordReset(
            request_id=UUID(request.request_id),
            body_digest=self._context.body_digest(request),
            email=request.email,
            client=client(request.client),
        )
        proof = await start_password_reset(self._context, command)
        return pb.StartPasswordResetResponse(reset_id=str(proof.proof_id), expire_time=timestamp(proof.expire_time))

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Any) -> pb.ResetPasswordResponse:
        command = ResetPassword(
            request_id=UUID(request.request_id),
            reset_id=UUID(request.reset_id),
            code=request.code,
            password=request.password,
            client=client(request.client),
        )
        ended = await reset_password(self._context, command)
        return pb.ResetPasswordResponse(ended_session_count=ended.sessions, ended_stream_count=ended.streams)

    async def ListDevices(self, request: pb.ListDevicesRequest, context: Any) -> pb.ListDevicesResponse:
        devices = await list_devices(self._context, request.session_token, client(request.client))
        return pb.ListDevicesResponse(devices=[_account_device(each) for each in devices])

    async def RevokeDevice(self, request: pb.RevokeDeviceRequest, context: Any) -> pb.RevokeDeviceResponse:
        ended = await revoke_device(self._context, request.session_token, client(request.client), request.device_id)
        return pb.RevokeDeviceResponse(ended_session_count=ended.sessions, ended_stream_count=ended.streams)

    async def DeclareTravel(self, request: pb.DeclareTravelRequest, context: Any) -> pb.DeclareTravelResponse:
        command = DeclareTravel(
            request_id=UUID(request.request_id),
            session_token=request.session_token,
            client=client(request.client),
            country_code=request.country_code,
            start_time=moment(request.start_time),
            end_time=moment(request.end_time),
        )
        return pb.DeclareTravelResponse(allowances=answers.allowances(await declare_travel(self._context, command)))

    async def DeclareResidence(self, request: pb.DeclareResidenceRequest, context: Any) -> pb.DeclareResidenceResponse:
        asking = client(request.client)
        residence_id = await declare_residence(
            self._context, UUID(request.request_id), request.session_token, asking, request.name
        )
        return pb.DeclareResidenceResponse(residence_id=str(residence_id))


def _new_account(
    request: pb.SignUpRequest | pb.CreateOwnAccountRequest, *, profile_name: str, move: tuple[UUID, UUID] | None
) -> NewAccount:
    return NewAccount(
        request_id=UUID(request.request_id),
        email=request.email,
        phone=request.phone,
        password=request.password,
        country_code=request.country_code,
        language=request.client.language,
        profile_name=profile_name,
        plan_id=request.plan_id,
        move=move,
    )


def _brought_yes(request: pb.CreateOwnAccountRequest) -> BroughtYes | None:
    if not request.transfer_verification_id:
        return None
    return BroughtYes(
        request_id=UUID(request.request_id),
        verification_id=UUID(request.transfer_verification_id),
        code=request.transfer_code,
    )


def _refresh(request: pb.RefreshSessionRequest) -> Refresh:
    proof = (request.key_proof.nonce, request.key_proof.signature) if request.HasField("key_proof") else None
    return Refresh(
        refresh_token=request.refresh_token,
        device_id=client(request.client).device_id,
        request_id=request.request_id,
        key_proof=proof,
    )


def _account_device(summary: DeviceSummary) -> pb.AccountDevice:
    return pb.AccountDevice(
        device=answers.device(summary.device_id, summary.device_kind, summary.device_name, summary.platform),
        standing=answers.standing(summary.standing),
        last_seen_time=timestamp(summary.last_seen_time),
        country_code=summary.country_code,
    )
