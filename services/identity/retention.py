"""What identity keeps, how long and why. As a job: ``python -m services.identity.retention run``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Self

from pydantic import Field, model_validator

from libs.persistence.database import Database
from libs.persistence.retention import Policy, Rule
from libs.persistence.retention_job import RetentionSettings, main
from services.identity.storage.retention import delete_abandoned, note_closings, shred_closed_contacts

_BOUNDED: Final = {
    "credential": "One row an account, as long as the account.",
    "contact_key": "One row an account, as long as its contacts.",
    "email_address": "One row an address and contact key. It outlives contacts and closing: an address that came free "
    "could be taken by somebody who then gets what is still written to its old owner.",
}
_CATALOGUE: Final = {"plan": "The plans that are sold."}


class IdentityRetention(RetentionSettings):
    """The service's numbers."""

    pending_account_days: int = Field(default=30, ge=1, le=366)
    """How long an account waits to be activated. Ours: a month, far beyond any code, so that nothing of people who did
    not stay is kept."""
    request_retention_days: int = Field(default=30, ge=1, le=366)
    """How long a request id is known. Ours; no caller repeats a request so late."""
    ended_session_days: int = Field(default=90, ge=1, le=3650)
    """How long a session is known after its end. Ours: to look into a theft that is noticed late."""
    spent_token_days: int = Field(default=120, ge=1, le=3650)
    """How long an exchanged refresh token is known, so that its reuse is seen: its life (90 days), and a month."""
    moved_profile_days: int = Field(default=90, ge=14, le=3650)
    """How long the mark stays that a profile left. A move can be undone for 14 days; ours: a quarter."""
    closed_contact_days: int = Field(default=180, ge=1, le=3650)
    """How long contacts of a closed account are kept: bills, complaints, a change of mind. Ours: half a year."""

    @model_validator(mode="after")
    def _repeats_find_what_they_made(self) -> Self:
        if min(self.pending_account_days, self.ended_session_days) < self.request_retention_days:
            raise ValueError(
                "HEARTHGATE_PENDING_ACCOUNT_DAYS and HEARTHGATE_ENDED_SESSION_DAYS must be no less than "
                "HEARTHGATE_REQUEST_RETENTION_DAYS: a repeated request looks for what it made"
            )
        return self

    def retention_policy(self) -> Policy:
        """The service's policy."""
        rules = [*self._of_requests(), *self._of_accounts(), *self._of_sessions()]
        return Policy(service="identity", rules=rules, bounded=_BOUNDED, catalogue=_CATALOGUE)

    def _of_requests(self) -> Iterator[Rule]:
        for table, key in (("request", "account_id"), ("sign_up", "request_id")):
            yield Rule(
                table=table,
                what="what request ids made",
                keep=timedelta(days=self.request_retention_days),
                since="it came",
                why="No caller repeats a request so late. Its fingerprint is under the contact key of its time.",
                setting="HEARTHGATE_REQUEST_RETENTION_DAYS",
                condition="create_time < $1",
                walk=key,
            )

    def _of_accounts(self) -> Iterator[Rule]:
        closed = timedelta(days=self.closed_contact_days)

        async def shred(database: Database, before: datetime) -> int:
            await note_closings(database, before + closed)
            return await shred_closed_contacts(database, before)

        yield Rule(
            table="account",
            what="accounts that were never activated, with all they hold",
            keep=timedelta(days=self.pending_account_days),
            since="it was made",
            why="Nothing of people who did not stay is kept; others, activated once, stay until they are erased.",
            setting="HEARTHGATE_PENDING_ACCOUNT_DAYS",
            condition="state = 'PENDING' and create_time < $1",
            purge=delete_abandoned,
        )
        yield Rule(
            table="contact",
            what="contacts of closed accounts, with the key that opens them",
            keep=closed,
            since="the account was first seen closed",
            why="Bills, complaints, a change of mind: half a year, ours. The address stays reserved by its hash.",
            setting="HEARTHGATE_CLOSED_CONTACT_DAYS",
            condition="account_id in (select account_id from account where state = 'CLOSED' and close_time < $1)",
            purge=shred,
        )
        yield Rule(
            table="profile",
            what="marks of profiles that moved away",
            keep=timedelta(days=self.moved_profile_days),
            since="it moved",
            why="A move can be undone for 14 days, and repeated as long as its mark stands. A quarter: ours.",
            setting="HEARTHGATE_MOVED_PROFILE_DAYS",
            condition="moved_to_account_id is not null and move_time < $1",
            walk="account_id",
        )

    def _of_sessions(self) -> Iterator[Rule]:
        yield Rule(
            table="session",
            what="sessions that ended or ran out",
            keep=timedelta(days=self.ended_session_days),
            since="its end",
            why="To look into a theft that is noticed late: ours.",
            setting="HEARTHGATE_ENDED_SESSION_DAYS",
            condition="((state = 'ENDED' and end_time < $1) or refresh_expire_time < $1)",
            walk="account_id",
        )
        yield Rule(
            table="spent_refresh_token",
            what="refresh tokens that were exchanged",
            keep=timedelta(days=self.spent_token_days),
            since="it was exchanged",
            why="Its own life and a month: a copy that comes later is as dead as an unknown one.",
            setting="HEARTHGATE_SPENT_TOKEN_DAYS",
            condition="spend_time < $1",
            walk="account_id",
        )


if __name__ == "__main__":
    raise SystemExit(main(IdentityRetention, sys.argv[1:]))
