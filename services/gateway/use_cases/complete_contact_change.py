"""CompleteContactChange: the code came back; the new address or number is the account's."""

from __future__ import annotations

from uuid import UUID

from services.gateway.clients.contacts import Verified
from services.gateway.domain.contact_change import ChangeKind
from services.gateway.domain.notices import Addressee
from services.gateway.domain.records import Channel, Contact
from services.gateway.domain.verification import NoticeKind, requester_of
from services.gateway.use_cases.contact_codes import EnteredContactCode, redeem_contact_code
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.present_contacts import end_codes_elsewhere
from services.gateway.use_cases.shutting_out import tell_owner


async def complete_contact_change(context: Context, entered: EnteredContactCode) -> Contact:
    """The contact as it stands; codes that went to the one before have ended.

    Each step can be repeated under the same request id.
    """
    change = await redeem_contact_code(context, ChangeKind.CONTACT, entered)
    verified = await context.contacts.verify_contact(change.account_id, change.contact_id)
    # Told first: while challenge is away the change stands, and the owner must hear of it also if nobody asks again.
    await _tell_of_it(context, entered, change.account_id, verified)
    await end_codes_elsewhere(context, change.account_id)
    return verified.contact


async def _tell_of_it(context: Context, entered: EnteredContactCode, account_id: UUID, verified: Verified) -> None:
    """Tell the address that was, as whoever holds the new one knows; of a number, tell the address that is. Durable."""
    notice_id, about, kind = (
        step_id(entered.request_id, "notice"),
        requester_of(entered.client),
        NoticeKind.CONTACT_CHANGED,
    )
    if verified.contact.channel is not Channel.EMAIL:
        await tell_owner(context, notice_id, account_id, kind, about)
    elif verified.former is not None:
        was, language = verified.former, verified.language
        former = Addressee(channel=was.channel, destination=was.destination, language=language)
        await tell_owner(context, notice_id, account_id, kind, about, former=former)
