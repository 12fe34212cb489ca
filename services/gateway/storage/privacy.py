"""The list of what the gateway holds about an account. What a migration adds is to be added here; a test looks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.privacy import Document, Holding
from services.gateway.domain.decision import ReasonCode
from services.gateway.domain.texts import REASON_TEXTS
from services.gateway.storage import privacy_sql as sql

_FIRST_ID: Final = UUID(int=0)
_OF_ANSWER: Final = ("stream", "verification", "allowances")


def _decision(row: Record) -> Iterable[Document]:
    """A decision with its reason in words. Of the answer, what the device was told; its grant was never kept."""
    answer = json.loads(row["answer"]) if row["answer"] else {}
    reason = row["reason"]
    yield {
        **{name: value for name, value in row.items() if name != "answer"},
        "reason_text": REASON_TEXTS[ReasonCode(reason)] if reason in ReasonCode.__members__ else "",
        "facts": json.loads(row["facts"]),
        "rules": json.loads(row["rules"]),
        "told": {name: answer[name] for name in _OF_ANSWER if answer.get(name)},
    }


def _listed(kind: str, table: str, key: str, export: str, erase: str) -> Holding:
    return Holding(kind=kind, table=table, export=export, keys=(key,), first=(_FIRST_ID,), erase=erase)


HOLDINGS: Final = (
    Holding(
        kind="decisions",
        table="decision",
        export=sql.EXPORT_DECISIONS,
        keys=("decision_id",),
        first=(_FIRST_ID,),
        documents=_decision,
        erase=sql.ERASE_DECISIONS,
    ),
    Holding(
        kind="streams", table="slot", export=sql.EXPORT_STREAMS, keys=("place",), first=(0,), erase=sql.ERASE_SLOTS
    ),
    _listed("verifications", "asker", "verification_id", sql.EXPORT_ASKERS, sql.ERASE_ASKERS),
    _listed("sign_ups_and_resets", "proof", "proof_id", sql.EXPORT_PROOFS, sql.ERASE_PROOFS),
    Holding(
        kind="leavers",
        table="proof",
        withheld="Sign-ups under way of viewers who leave with a profile: other people's.",
        erase=sql.ERASE_PROOFS_OF_LEAVERS,
        column="source_account_id",
    ),
    _listed("own_accounts", "own_account", "own_account_id", sql.EXPORT_OWN_ACCOUNTS, sql.ERASE_OWN_ACCOUNTS),
    _listed("profile_transfers", "profile_transfer", "verification_id", sql.EXPORT_TRANSFERS, sql.ERASE_TRANSFERS),
    _listed("contact_changes", "contact_change", "change_id", sql.EXPORT_CONTACT_CHANGES, sql.ERASE_CONTACT_CHANGES),
    _listed("notices", "pending_notice", "notice_id", sql.EXPORT_NOTICES, sql.ERASE_NOTICES),
    Holding(
        kind="own_account_lookup",
        table="own_account_target",
        withheld="From which account this one was made is another person's account.",
        erase=sql.ERASE_OWN_ACCOUNT_TARGET,
    ),
    Holding(
        kind="own_accounts_made_here",
        table="own_account",
        withheld="The move by which this account was made, as the account it came from keeps it.",
        erase=sql.ERASE_OWN_ACCOUNTS_TO,
        column="target_account_id",
    ),
    Holding(
        kind="own_account_lookups_of_others",
        table="own_account_target",
        withheld="That other people's accounts were made from this one, as those accounts keep it.",
        erase=sql.ERASE_OWN_ACCOUNT_SOURCES,
        column="source_account_id",
    ),
    Holding(
        kind="admission",
        table="admission",
        withheld="A number that grows with each revocation.",
        erase=sql.ERASE_ADMISSION,
    ),
)
