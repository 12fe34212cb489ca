"""A code lives no longer than the contact that it went to.

Two looks together hold that, and neither does alone. Whoever changes contacts ends the codes that went elsewhere before
the answer; so none counts that was compared after it, though the contacts were looked up before. And whoever redeems a
code names the contacts of that moment; so none counts that was made after the change, though its destination was chosen
before, nor one whose end failed, nor one of an address that an operator took back.
"""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.records import Channel, Contacts
from services.gateway.use_cases.context import Context


async def of_anybody(context: Context, account_id: UUID) -> tuple[str, ...] | None:
    """Where the owner and the approvers are reached: whose code lets a device in."""
    contacts = await _contacts(context, account_id)
    return tuple(each.destination for each in contacts.verified)


async def of_owner(context: Context, account_id: UUID) -> tuple[str, ...] | None:
    """Where the owner is reached: whose code lets a profile leave."""
    contacts = await _contacts(context, account_id)
    return tuple(each.destination for each in contacts.verified if not each.approver)


async def of_owner_by_email(context: Context, account_id: UUID) -> tuple[str, ...] | None:
    """The owner's address: whose code sets a new password. None of an account that there is not."""
    email = (await _contacts(context, account_id)).by(Channel.EMAIL)
    return (email.destination,) if email else ()


async def end_codes_elsewhere(context: Context, account_id: UUID) -> None:
    """After a change of contacts, and before its answer: end the codes that went to none of those that are left.

    To be repeated with the change, which stands; raises what challenge cannot do at the moment.
    """
    contacts = await _contacts(context, account_id)
    await context.challenge.end_challenges(account_id, [each.destination for each in contacts.verified])


async def _contacts(context: Context, account_id: UUID) -> Contacts:
    try:
        return await context.identity.get_contacts(account_id, masked_only=False)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        return Contacts(contacts=(), language="")
