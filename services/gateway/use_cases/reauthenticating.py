"""Who asks for all that is held, or for its end: a device of the household, with the owner's password once more."""

from __future__ import annotations

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.records import Channel, Client, ResolvedSession
from services.gateway.use_cases.context import Context, resolve_member


async def reauthenticate(context: Context, session_token: str, client: Client, password: str) -> ResolvedSession:
    """The session, once the password is right. A session alone, which may be stolen, is not enough.

    Raises SESSION_UNKNOWN, DEVICE_NOT_TRUSTED, LIMIT_EXCEEDED, OVERLOADED; CREDENTIALS_REJECTED also for a right
    password that is to be reset: somebody else may know it, so it vouches for nobody, as in identity's own checks.
    """
    resolved, _ = await resolve_member(context, session_token, client)
    contacts = await context.identity.get_contacts(resolved.account.account_id, masked_only=False)
    email = contacts.by(Channel.EMAIL)
    if email is None:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail="the account has no address to sign in with")
    authenticated = await context.identity.authenticate(email.destination, password, client)
    if authenticated.account.account_id != resolved.account.account_id:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail="the address is another account's")
    if authenticated.reset_required:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail="the password has to be reset")
    return resolved
