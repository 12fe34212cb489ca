"""Notices that challenge has not taken yet, sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.keys import SealingKeys
from services.gateway.domain.notices import Addressee, OwnerNotice
from services.gateway.domain.records import Channel
from services.gateway.domain.verification import NoticeKind, Requester
from services.gateway.storage import notices_sql as sql


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedNotice:
    """A notice that this worker may hand over until its lease ends; ``attempt`` counts from 1."""

    account_id: UUID
    notice_id: UUID
    sealed: bytes = field(repr=False)
    attempt: int
    expire_time: datetime


async def insert(executor: Executor, keys: SealingKeys, notice: OwnerNotice, now: datetime, end: datetime) -> None:
    """Keep a notice to be handed over; one of the same id that waits already stays as it is."""
    sealed = keys.seal(_content(notice), _bound(notice.account_id, notice.notice_id))
    await executor.execute(sql.INSERT_NOTICE, notice.account_id, notice.notice_id, sealed, now, end)


async def claim(executor: Executor, limit: int, *, now: datetime, lease_until: datetime) -> Sequence[ClaimedNotice]:
    """Up to ``limit`` due notices, each leased to this caller alone."""
    due = await executor.fetch(sql.DUE_NOTICES, now, limit)
    if not due:
        return ()
    accounts, ids = [row["account_id"] for row in due], [row["notice_id"] for row in due]
    rows = await executor.fetch(sql.CLAIM_NOTICES, accounts, ids, now, lease_until)
    return [
        ClaimedNotice(
            account_id=row["account_id"],
            notice_id=row["notice_id"],
            sealed=row["sealed_notice"],
            attempt=row["attempt_count"],
            expire_time=row["expire_time"],
        )
        for row in rows
    ]


def open_notice(keys: SealingKeys, claimed: ClaimedNotice) -> OwnerNotice:
    """What a claimed notice tells. Raises OpenError where its key is gone."""
    content = json.loads(keys.open(claimed.sealed, _bound(claimed.account_id, claimed.notice_id)))
    return OwnerNotice(
        account_id=claimed.account_id,
        notice_id=claimed.notice_id,
        kind=NoticeKind(content["kind"]),
        about=Requester(**content["about"]) if content["about"] else None,
        event_time=datetime.fromisoformat(content["event_time"]),
        disown_token=content.get("disown_token", ""),
        former=_former(content.get("former")),
    )


async def put_off(executor: Executor, claimed: ClaimedNotice, next_attempt: datetime) -> None:
    """This attempt failed."""
    await executor.execute(sql.PUT_NOTICE_OFF, claimed.account_id, claimed.notice_id, claimed.attempt, next_attempt)


async def delete(executor: Executor, claimed: ClaimedNotice) -> None:
    """It was handed over, or given up."""
    await executor.execute(sql.DELETE_NOTICE, claimed.account_id, claimed.notice_id)


def _content(notice: OwnerNotice) -> bytes:
    content = {
        "kind": notice.kind,
        "about": asdict(notice.about) if notice.about else None,
        "event_time": notice.event_time.isoformat(),
    }
    if notice.former is None:
        content["disown_token"] = notice.disown_token
    else:
        # In place of the token, which such a notice never has: a release that knows no former addresses fails over
        # this and leaves the notice to others, where it would have told whoever holds the new address.
        content["former"] = asdict(notice.former)
    return json.dumps(content).encode()


def _former(content: dict[str, str] | None) -> Addressee | None:
    if content is None:
        return None
    channel, destination, language = Channel(content["channel"]), content["destination"], content["language"]
    return Addressee(channel=channel, destination=destination, language=language)


def _bound(account_id: UUID, notice_id: UUID) -> bytes:
    return b"notice/" + account_id.bytes + notice_id.bytes
