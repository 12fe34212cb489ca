"""What the use cases work with, and the one check that several of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from libs.persistence.database import Database, Executor
from libs.runtime.clock import Clock
from libs.runtime.errors import not_found
from libs.runtime.ids import Ids
from services.identity.after_answers import AfterAnswers
from services.identity.contact_keys import ContactKeys
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
    lifetimes: Lifetimes
    default_plan_id: str
    max_profiles: int
    known_passwords: KnownPasswords
    brand: str
    after_answers: AfterAnswers = field(default_factory=AfterAnswers)


async def hold_open_account(transaction: Executor, account_id: UUID) -> None:
    """Keep an account's state as it is until the transaction ends. Raises NOT_FOUND unless it is active or on hold."""
    state = await accounts.lock_account(transaction, account_id)
    if state is None or not state.open:
        raise not_found("account")
