"""What the use cases work with, and the one check that several of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.persistence.database import Database, Executor
from libs.runtime.clock import Clock
from libs.runtime.errors import not_found
from libs.runtime.ids import Ids
from services.identity.access_tokens import AccessTokens
from services.identity.after_answers import AfterAnswers
from services.identity.audit_keys import AuditKeys
from services.identity.contact_keys import ContactKeys
from services.identity.domain.failed_sign_ins import FailedSignIns
from services.identity.domain.membership import max_profiles
from services.identity.domain.password_guesses import GuessPolicy
from services.identity.domain.session import Lifetimes
from services.identity.known_passwords import KnownPasswords
from services.identity.passwords import Passwords
from services.identity.storage import accounts

NOBODY: Final = UUID(int=0)
"""No account has this id; it is asked for where there is none, so that the same statements run either way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The parts of the service, put together once in ``main``."""

    database: Database
    clock: Clock
    ids: Ids
    keys: ContactKeys
    passwords: Passwords
    access_tokens: AccessTokens
    refresh_keys: Sequence[bytes]
    lifetimes: Lifetimes
    default_plan_id: str
    max_profiles: int
    max_approvers: int
    former_contacts_kept: timedelta
    audit_keys: AuditKeys
    known_passwords: KnownPasswords
    guesses: GuessPolicy
    brand: str
    failed_sign_ins: FailedSignIns = field(default_factory=FailedSignIns)
    after_answers: AfterAnswers = field(default_factory=AfterAnswers)


async def hold_open_account(transaction: Executor, account_id: UUID) -> None:
    """Keep an account's state as it is until the transaction ends. Raises NOT_FOUND unless it is active or on hold."""
    state = await accounts.lock_account(transaction, account_id)
    if state is None or not state.open:
        raise not_found("account")


async def max_profiles_of(executor: Executor, account_id: UUID, identity: Identity) -> int:
    """Profiles that the account may have: an extra member has one. As for any other where there is no account yet."""
    account = await accounts.find_account(executor, account_id)
    return max_profiles(account.plan.plan_id, identity.max_profiles) if account else identity.max_profiles
