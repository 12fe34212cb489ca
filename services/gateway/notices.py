"""The gateway's outbox: notices are kept before the step is acknowledged, and handed to challenge until it takes them.

An owner hears of a new sign-in also where challenge was away at that moment. Challenge sends one mail for a notice's
id, so a notice that is handed over twice is not mailed twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import uuid5

from libs.persistence.database import Database
from libs.persistence.jobs import run_worker
from libs.runtime.clock import Clock
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.keys import OpenError, SealingKeys
from libs.runtime.logging import get_logger
from services.gateway.clients.challenge import ChallengeClient, Notice
from services.gateway.clients.identity import IdentityClient
from services.gateway.domain.notices import Addressee, NoticePolicy, OwnerNotice, is_hopeless
from services.gateway.domain.records import Channel, Contact, Contacts
from services.gateway.domain.verification import WARNINGS
from services.gateway.metrics import count_failed_notice
from services.gateway.storage import notices
from services.gateway.storage.notices import ClaimedNotice

_LEASE: Final = timedelta(seconds=30)
"""Longer than an attempt's calls take together; a worker that dies leaves its notice to another one after this."""
_CONCURRENCY: Final = 4
_log = get_logger(__name__)

Send = Callable[[OwnerNotice], Awaitable[None]]


def sender(identity: IdentityClient, challenge: ChallengeClient) -> Send:
    """What hands a notice over, for the address that the account has by then: none is kept here, but for a notice to
    a former one.

    It raises NOT_FOUND where the account or its address is gone.
    """

    async def send(notice: OwnerNotice) -> None:
        if notice.former is not None:
            await _hand_over(challenge, _to(notice.former, notice))
            return
        contacts = await identity.get_contacts(notice.account_id, masked_only=False)
        email = contacts.by(Channel.EMAIL)
        if email is None:
            raise not_found("email address")
        await _hand_over(challenge, _to(_addressee(email, contacts), notice))
        if notice.kind in WARNINGS:
            await _warn_approvers(challenge, notice, contacts)

    return send


async def _warn_approvers(challenge: ChallengeClient, notice: OwnerNotice, contacts: Contacts) -> None:
    """Tell the approvers what the owner was told, without the owner's "it wasn't me"; tried once."""

    async def warn(approver: Contact) -> None:
        notice_id = uuid5(notice.notice_id, f"approver {approver.contact_id}")
        theirs = replace(notice, notice_id=notice_id, disown_token="")
        try:
            await _hand_over(challenge, _to(_addressee(approver, contacts), theirs))
        except ServiceError as error:
            account_id, kind, reason = str(notice.account_id), str(notice.kind), str(error.reason)
            _log.warning("approver not warned", account_id=account_id, kind=kind, reason=reason)

    await asyncio.gather(*(warn(approver) for approver in contacts.approvers))


async def _hand_over(challenge: ChallengeClient, notice: Notice) -> None:
    """Once: where challenge knows the notice, an attempt whose answer was lost got there before."""
    try:
        await challenge.notify(notice)
    except ServiceError as error:
        if error.reason is not ErrorReason.REQUEST_ID_REUSED:
            raise


def _addressee(contact: Contact, contacts: Contacts) -> Addressee:
    return Addressee(channel=contact.channel, destination=contact.destination, language=contacts.language)


def _to(to: Addressee, notice: OwnerNotice) -> Notice:
    by_text = to.channel is Channel.TEXT
    return Notice(
        request_id=notice.notice_id,
        account_id=notice.account_id,
        kind=notice.kind,
        email="" if by_text else to.destination,
        number=to.destination if by_text else "",
        language=to.language,
        about=notice.about,
        event_time=notice.event_time,
        disown_token=notice.disown_token,
    )


class NoticeOutbox:
    """Keeps notices and hands them over; ``send`` raises ServiceError where it cannot."""

    def __init__(
        self, database: Database, *, clock: Clock, keys: SealingKeys, send: Send, policy: NoticePolicy, idle: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._keys = keys
        self._send = send
        self._policy = policy
        self._idle = idle
        self._wake = asyncio.Event()

    async def put(self, notice: OwnerNotice) -> None:
        """Keep a notice, durably when this returns, and have it handed over at once. Raises ServiceError."""
        now = self._clock.now()
        await notices.insert(self._database, self._keys, notice, now, now + self._policy.lifetime)
        self._wake.set()

    async def run(self) -> None:
        """Hand over until cancelled; what is under way is then finished."""
        await run_worker(self.claim, self.handle, idle=self._idle, wake=self._wake, concurrency=_CONCURRENCY)

    async def claim(self, limit: int) -> Sequence[ClaimedNotice]:
        """Up to ``limit`` due notices. A database that is away for a while is no fault of this worker."""
        now = self._clock.now()
        try:
            return await notices.claim(self._database, limit, now=now, lease_until=now + _LEASE)
        except ServiceError as error:
            _log.warning("notices not claimed", reason=str(error.reason), detail=error.detail)
            return ()

    async def handle(self, claimed: ClaimedNotice) -> None:
        """One attempt at one notice."""
        try:
            notice = notices.open_notice(self._keys, claimed)
        except OpenError:
            await self._give_up(claimed, "UNKNOWN", "its key is gone")
            return
        # One that is a fault of ours each time, and so was never put off, ends here.
        if claimed.attempt > 1 and claimed.expire_time <= self._clock.now():
            await self._give_up(claimed, notice.kind, "too late")
            return
        try:
            await self._send(notice)
        except ServiceError as error:
            await self._failed(claimed, notice, error)
            return
        await notices.delete(self._database, claimed)

    async def _failed(self, claimed: ClaimedNotice, notice: OwnerNotice, error: ServiceError) -> None:
        next_attempt = self._clock.now() + self._policy.delay(claimed.attempt)
        if is_hopeless(error.reason) or next_attempt >= claimed.expire_time:
            await self._give_up(claimed, notice.kind, str(error.reason))
            return
        _log.warning(
            "notice not sent",
            account_id=str(claimed.account_id),
            kind=str(notice.kind),
            attempt=claimed.attempt,
            reason=str(error.reason),
        )
        await notices.put_off(self._database, claimed, next_attempt)

    async def _give_up(self, claimed: ClaimedNotice, kind: str, reason: str) -> None:
        count_failed_notice(kind)
        _log.error("notice given up", account_id=str(claimed.account_id), kind=kind, reason=reason)
        await notices.delete(self._database, claimed)
