"""How an owner is told: kept first, then handed to challenge for the address that the account has by then."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.gateway.clients.challenge import ChallengeClient, Notice
from services.gateway.clients.identity import IdentityClient
from services.gateway.domain.disowning import DisownClaim
from services.gateway.domain.notices import DISOWNABLE, OwnerNotice
from services.gateway.domain.records import Channel
from services.gateway.domain.verification import NoticeKind, Requester
from services.gateway.notices import Send
from services.gateway.use_cases.context import Context


async def tell_owner(
    context: Context,
    notice_id: UUID,
    account_id: UUID,
    kind: NoticeKind,
    about: Requester,
    session_id: UUID | None = None,
) -> None:
    """Have the owner told by email, once for a notice id. Kept durably when this returns; raises STORAGE_UNAVAILABLE
    where it cannot be kept, so that the step is repeated rather than untold.
    """
    now = context.clock.now()
    token = ""
    if kind in DISOWNABLE:
        claim = DisownClaim(
            account_id=account_id,
            notice_id=notice_id,
            kind=kind,
            device=about,
            session_id=session_id,
            expire_time=context.disown_tokens.expire_time(now),
        )
        token = context.disown_tokens.issue(claim)
    notice = OwnerNotice(
        account_id=account_id, notice_id=notice_id, kind=kind, about=about, event_time=now, disown_token=token
    )
    await context.notices.put(notice)


def sender(identity: IdentityClient, challenge: ChallengeClient) -> Send:
    """What hands a notice over. It raises NOT_FOUND where the account or its address is gone."""

    async def send(notice: OwnerNotice) -> None:
        contacts = await identity.get_contacts(notice.account_id, masked_only=False)
        email = contacts.by(Channel.EMAIL)
        if email is None:
            raise not_found("email address")
        await challenge.notify(
            Notice(
                request_id=notice.notice_id,
                account_id=notice.account_id,
                kind=notice.kind,
                email=email.destination,
                language=contacts.language,
                about=notice.about,
                event_time=notice.event_time,
                disown_token=notice.disown_token,
            )
        )

    return send
