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
from services.identity.storage.retention import note_closings, shred_closed_contacts

_AUDIT: Final = "The audit log is kept whole, as a chain that was cut says nothing; an erasure makes it nameless."
_BOUNDED: Final = {
    "account": "Until it is erased. One that was never activated is deleted by the service itself, which has the keys "
    "for it, after HEARTHGATE_SIGN_UP_RETENTION_HOURS.",
    **dict.fromkeys(("audit_subject", "audit_event", "audit_anchor", "audit_anchor_leaf"), _AUDIT),
    "audit_closed_subject": "One row an erased account: where its nameless chain ended.",
    "membership": "One row an extra member's account.",
    "extra_member": "As many as the plan has slots; the service itself deletes places that were given up long ago.",
    "invitation": "As long as its place is kept, ten in two weeks at most.",
    "profile_pin": "One row a profile.",
    "credential": "One row an account, as long as the account.",
    "contact_key": "One row an account, as long as its contacts.",
    "email_address": "One row an address and contact key. It outlives contacts and closing: an address that came free "
    "could be taken by somebody who then gets what is still written to its old owner.",
}
_CATALOGUE: Final = {"plan": "The plans that are sold."}


class IdentityRetention(RetentionSettings):
    """The service's numbers."""

    request_retention_days: int = Field(default=30, ge=1, le=366)
    """How long a request id is known. Ours; no caller repeats a request so late."""
    ended_session_days: int = Field(default=90, ge=1, le=3650)
    """How long a session is known after its end. Ours: to look into a theft that is noticed late."""
    spent_token_days: int = Field(default=120, ge=1, le=3650)
    """How long an exchanged refresh token is known, so that its reuse is seen: its life (90 days), and a month."""
    moved_profile_days: int = Field(default=90, ge=14, le=3650)
    """How long the mark stays that a profile left. A move can be undone for 14 days; ours: a quarter."""
    contact_change_days: int = Field(default=90, ge=1, le=3650)
    """How long it is known what a contact was before, and that somebody began to change one. Ours: a quarter."""
    password_demand_days: int = Field(default=90, ge=1, le=3650)
    """How long it is known that a password had to be reset, once it was. Ours: to look into a theft."""
    password_guess_days: int = Field(default=90, ge=30, le=3650)
    """How long wrong passwords in a row are known after the last one that was compared. Ours: who waits so long gets
    200 guesses a year for it."""
    closed_contact_days: int = Field(default=180, ge=1, le=3650)
    """How long contacts of a closed account are kept: bills, complaints, a change of mind. Ours: half a year."""

    @model_validator(mode="after")
    def _repeats_find_what_they_made(self) -> Self:
        if self.ended_session_days < self.request_retention_days:
            raise ValueError(
                "HEARTHGATE_ENDED_SESSION_DAYS must be no less than HEARTHGATE_REQUEST_RETENTION_DAYS: a repeated "
                "request looks for what it made"
            )
        return self

    def retention_policy(self) -> Policy:
        """The service's policy."""
        rules = [*self._of_requests(), *self._of_accounts(), *self._of_contacts(), *self._of_sessions()]
        rules += self._of_guesses()
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
            table="contact",
            what="contacts of closed accounts, with the key that opens them",
            keep=closed,
            since="the account was first seen closed",
            why="Bills, complaints, a change of mind: half a year, ours. The address stays reserved by its hash. "
            "An extra member's place on its host's plan is free from then on.",
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

    def _of_contacts(self) -> Iterator[Rule]:
        keep, setting = timedelta(days=self.contact_change_days), "HEARTHGATE_CONTACT_CHANGE_DAYS"
        yield Rule(
            table="contact_change",
            what="changes of address and number, with what was there before",
            keep=keep,
            since="it was done, or begun",
            why="A former address can be given back for a week, and asked about for a while: a quarter, ours.",
            setting=setting,
            condition="coalesce(done_time, create_time) < $1",
            walk="account_id",
        )
        yield Rule(
            table="approver",
            what="approvers who never proved their address",
            keep=keep,
            since="they were named",
            why="Whoever was named and did not accept is nobody's approver.",
            setting=setting,
            condition="verify_time is null and create_time < $1",
            walk="account_id",
        )
        yield Rule(
            table="password_reset_demand",
            what="demands to reset a password that were met",
            keep=timedelta(days=self.password_demand_days),
            since="the password was reset",
            why="To look into a theft that is noticed late: ours. A demand that stands is kept.",
            setting="HEARTHGATE_PASSWORD_DEMAND_DAYS",
            condition="settle_time < $1",
            walk="account_id",
        )

    def _of_guesses(self) -> Iterator[Rule]:
        yield Rule(
            table="password_guess",
            what="wrong passwords by address and account",
            keep=timedelta(days=self.password_guess_days),
            since="every guess at once was there again",
            why="Those in a row count until a right one comes, or a new password. A quarter: ours.",
            setting="HEARTHGATE_PASSWORD_GUESS_DAYS",
            condition="full_time < $1 and holder <> 'network'",
        )
        yield Rule(
            table="password_guess",
            what="wrong passwords by network",
            keep=timedelta(),
            since="every guess at once was there again",
            why="A full bucket is as good as none.",
            setting="",
            condition="full_time < $1 and holder = 'network'",
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
        yield Rule(
            table="spent_key_proof",
            what="signatures of device keys that were taken",
            keep=timedelta(days=self.spent_token_days),
            since="it was taken",
            why="As long as the token that it was for: a signature is for one token alone.",
            setting="HEARTHGATE_SPENT_TOKEN_DAYS",
            condition="spend_time < $1",
            walk="account_id",
        )


if __name__ == "__main__":
    raise SystemExit(main(IdentityRetention, sys.argv[1:]))
