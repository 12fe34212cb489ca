"""OwnAccountService over the use cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import own_account_service_pb2 as pb
from hearthgate.gateway.v1 import own_account_service_pb2_grpc as rpc
from services.gateway import answers
from services.gateway.clients.conversions import client, from_enum, timestamp, to_enum
from services.gateway.domain.own_account import OwnAccount, OwnAccountPolicy, OwnAccountState
from services.gateway.domain.records import Channel
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.decide_profile_transfer import decide_profile_transfer
from services.gateway.use_cases.list_own_accounts import list_own_accounts
from services.gateway.use_cases.list_profile_transfers import list_profile_transfers
from services.gateway.use_cases.list_stalled_own_accounts import list_stalled_own_accounts
from services.gateway.use_cases.request_profile_transfer import RequestProfileTransfer, request_profile_transfer
from services.gateway.use_cases.retry_own_account import retry_own_account
from services.gateway.use_cases.undo_own_account import undo_own_account


class OwnAccountServicer(rpc.OwnAccountServiceServicer):
    """The owner's yes before a viewer leaves, and the way back after."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ListOwnAccounts(self, request: pb.ListOwnAccountsRequest, context: Any) -> pb.ListOwnAccountsResponse:
        account_id, found = await list_own_accounts(self._context, request.session_token, client(request.client))
        policy = self._context.own_accounts
        return pb.ListOwnAccountsResponse(own_accounts=[_own_account(each, account_id, policy) for each in found])

    async def UndoOwnAccount(self, request: pb.UndoOwnAccountRequest, context: Any) -> pb.UndoOwnAccountResponse:
        asking, own_account_id = client(request.client), UUID(request.own_account_id)
        state = await undo_own_account(self._context, request.session_token, asking, own_account_id)
        return pb.UndoOwnAccountResponse(state=_state(state))

    async def RequestProfileTransfer(
        self, request: pb.RequestProfileTransferRequest, context: Any
    ) -> pb.RequestProfileTransferResponse:
        command = RequestProfileTransfer(
            request_id=UUID(request.request_id),
            session_token=request.session_token,
            client=client(request.client),
            profile_id=UUID(request.profile_id),
            channel=from_enum(Channel, standing_pb2.Channel, "CHANNEL_", request.channel),
        )
        challenge = await request_profile_transfer(self._context, command)
        return pb.RequestProfileTransferResponse(verification=answers.verification_status(challenge))

    async def ListProfileTransfers(
        self, request: pb.ListProfileTransfersRequest, context: Any
    ) -> pb.ListProfileTransfersResponse:
        found = await list_profile_transfers(self._context, request.session_token, client(request.client))
        transfers = [
            pb.ProfileTransfer(
                verification=answers.verification_status(each.challenge),
                profile_id=str(each.profile.profile_id),
                profile_name=each.profile.name,
            )
            for each in found
        ]
        return pb.ListProfileTransfersResponse(transfers=transfers)

    async def DecideProfileTransfer(
        self, request: pb.DecideProfileTransferRequest, context: Any
    ) -> pb.DecideProfileTransferResponse:
        asking, verification_id = client(request.client), UUID(request.verification_id)
        challenge = await decide_profile_transfer(
            self._context, request.session_token, asking, verification_id, agree=request.agree
        )
        return pb.DecideProfileTransferResponse(verification=answers.verification_status(challenge))

    async def ListStalledOwnAccounts(
        self, request: pb.ListStalledOwnAccountsRequest, context: Any
    ) -> pb.ListStalledOwnAccountsResponse:
        found = await list_stalled_own_accounts(self._context)
        return pb.ListStalledOwnAccountsResponse(own_accounts=[_stalled(each) for each in found])

    async def RetryOwnAccount(self, request: pb.RetryOwnAccountRequest, context: Any) -> pb.RetryOwnAccountResponse:
        await retry_own_account(self._context, UUID(request.source_account_id), UUID(request.own_account_id))
        return pb.RetryOwnAccountResponse()


def _own_account(own: OwnAccount, asking_account_id: UUID, policy: OwnAccountPolicy) -> pb.OwnAccount:
    return pb.OwnAccount(
        own_account_id=str(own.own_account_id),
        profile_id=str(own.profile_id),
        profile_name=own.profile_name,
        state=_state(own.state),
        left_from_here=own.account_id == asking_account_id,
        begin_time=timestamp(own.begin_time),
        undo_expire_time=timestamp(own.undo_expire_time(policy)),
    )


def _stalled(own: OwnAccount) -> pb.StalledOwnAccount:
    return pb.StalledOwnAccount(
        own_account_id=str(own.own_account_id),
        source_account_id=str(own.account_id),
        target_account_id=str(own.target_account_id),
        state=_state(own.state),
        step=str(own.step),
        failure=own.failure,
        begin_time=timestamp(own.undo_time or own.begin_time),
    )


def _state(state: OwnAccountState) -> pb.OwnAccountState.ValueType:
    number: pb.OwnAccountState.ValueType = to_enum(pb.OwnAccountState, "OWN_ACCOUNT_STATE_", state)
    return number
