"""ListAuditEvents: read what happened to an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from libs.runtime.errors import not_found
from services.identity.domain.audit import AuditEvent, Subject
from services.identity.storage import audit as storage
from services.identity.use_cases.context import Identity

_ALL: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedEvent:
    """An event with what its pseudonyms stand for, as far as sessions of the account still tell."""

    event: AuditEvent
    device_id: str
    session_id: str
    authentic: bool


async def list_audit_events(
    account_id: UUID, *, limit: int, before: int | None, identity: Identity
) -> tuple[list[ListedEvent], int | None]:
    """Events before a sequence, the newest first, and the sequence before which the next page begins.

    Raises NOT_FOUND for an account without a chain.
    """
    subject = await storage.find_subject(identity.database, account_id)
    if subject is None:
        raise not_found("account")
    start = _ALL if before is None else before
    events = await storage.list_events(identity.database, subject.head.subject_id, start, limit + 1)
    names = await storage.list_session_names(identity.database, account_id)
    page = events[:limit]
    following = page[-1].sequence if len(events) > limit else None
    return _listed(page, subject, names, identity), following


def _listed(
    events: Sequence[AuditEvent], subject: Subject, names: Sequence[tuple[UUID, str]], identity: Identity
) -> list[ListedEvent]:
    devices = {subject.pseudonym("device", device_id): device_id for _, device_id in names}
    sessions = {subject.pseudonym("session", session_id): str(session_id) for session_id, _ in names}
    return [
        ListedEvent(
            event=event,
            device_id=devices.get(event.device, ""),
            session_id=sessions.get(event.session, ""),
            authentic=identity.audit_keys.authentic(event) is True,
        )
        for event in events
    ]
