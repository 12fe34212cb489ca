"""AcceptInvitation: an invited person begins an account, with the profile from the host's or a new one.

CompleteSignUp takes the place, moves the profile and signs the device in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.runtime.errors import invalid_field
from services.gateway.clients.identity import NewAccount
from services.gateway.domain.records import Client
from services.gateway.domain.verification import Proof
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.create_own_account import CreateOwnAccount, create_own_account
from services.gateway.use_cases.sign_up import SignUp, sign_up


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptInvitation:
    """Somebody opened an invitation's link. ``new.move`` names the profile that comes along, if one does."""

    new: NewAccount
    session_token: str = field(repr=False)
    profile_id: UUID | None
    body_digest: bytes
    client: Client


async def accept_invitation(context: Context, command: AcceptInvitation) -> Proof:
    """What waits for the code. Raises NOT_FOUND for an invitation that does not open for this address; INVALID_FIELD.

    With a profile the rules of an own account hold: it leaves neither with the household's devices nor with a thief's.
    """
    if command.profile_id is None:
        if command.session_token:
            raise invalid_field("profile_id", "must be given together with a session")
        return await sign_up(context, SignUp(new=command.new, body_digest=command.body_digest, client=command.client))
    leaving = CreateOwnAccount(
        session_token=command.session_token,
        profile_id=command.profile_id,
        new=command.new,
        body_digest=command.body_digest,
        client=command.client,
        yes=None,
    )
    return await create_own_account(context, leaving)
