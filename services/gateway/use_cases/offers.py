"""What a device is offered when it is asked to verify."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.domain.decision import RemedyCode, Verdict, VerificationOffer, VerificationOption
from services.gateway.domain.records import Assessment, Channel
from services.gateway.use_cases.context import Context

_REMEDY_OF = {
    Channel.EMAIL: RemedyCode.VERIFY_BY_EMAIL,
    Channel.TEXT: RemedyCode.VERIFY_BY_TEXT,
    Channel.TRUSTED_DEVICE: RemedyCode.VERIFY_BY_TRUSTED_DEVICE,
}
_log = get_logger(__name__)


async def verification_offer(
    context: Context, account_id: UUID, verdict: Verdict, assessment: Assessment
) -> VerificationOffer | None:
    """The ways to verify that the verdict's remedies name, with masked destinations; None where there are none.

    Without identity's masks the household's devices alone are offered: a refusal must not turn into an error.
    """
    ways = [channel for channel, remedy in _REMEDY_OF.items() if remedy in verdict.remedies]
    if not ways:
        return None
    return VerificationOffer(
        options=await _options(context, account_id, ways),
        can_defer=RemedyCode.VERIFY_LATER in verdict.remedies,
        deadline=assessment.expire_time,
    )


async def _options(context: Context, account_id: UUID, ways: list[Channel]) -> tuple[VerificationOption, ...]:
    try:
        contacts = await context.identity.get_contacts(account_id, masked_only=True)
    except ServiceError as error:
        if error.reason is ErrorReason.NOT_FOUND:
            raise
        _log.warning("no masks for an offer", reason=str(error.reason))
        return (VerificationOption(channel=Channel.TRUSTED_DEVICE, masked_destination=""),)
    options = [
        VerificationOption(
            channel=contact.channel, masked_destination=contact.masked_destination, contact_id=contact.contact_id
        )
        for contact in contacts.verified
        if contact.channel in ways
    ]
    if Channel.TRUSTED_DEVICE in ways:
        options.append(VerificationOption(channel=Channel.TRUSTED_DEVICE, masked_destination=""))
    return tuple(options)


def reachable(verdict: Verdict, offer: VerificationOffer | None) -> tuple[RemedyCode, ...]:
    """The verdict's remedies, less the channels on which neither the owner nor an approver can be reached."""
    if offer is None:
        return verdict.remedies
    closed = {_REMEDY_OF[way] for way in _REMEDY_OF if way not in {option.channel for option in offer.options}}
    return tuple(remedy for remedy in verdict.remedies if remedy not in closed)
