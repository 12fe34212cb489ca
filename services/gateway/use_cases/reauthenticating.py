"""Who asks for all that is held, or for its end: a device of the household, with the owner's password once more."""

from __future__ import annotations

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.records import Channel, Client, ResolvedSession
from services.gateway.use_cases.context import Context, resolve_member


async def reauthenticate(context: Context, session_token: str, client: Client, password: str) -> ResolvedSession:
    """The session, once the password is right. A session alone, which may be stolen, is not enough.

    Raises SESSION_UNKNOWN, DEVICE_NOT_TRUSTED, CREDENTIALS_REJECTED, LIMIT_EXCEEDED, OVERLOADED. The password goes
    through the same door as at a sign-in, and so under the same limits.
    """
    resolved, _ = await resolve_member(context, session_token, client)
    contacts = await context.identity.get_contacts(resolved.account.account_id, masked_only=False)
    email = contacts.by(Channel.EMAIL)
    if email is None:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail="the account has no address to sign in with")
    account = await context.identity.authenticate(email.destination, password, client)
    if account.account.account_id != resolved.account.account_id:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail="the address is another account's")
    return resolved
