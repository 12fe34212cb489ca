"""The check that every new password passes, wherever it is set."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from services.identity.domain.contact import Channel
from services.identity.domain.password import (
    Refusal,
    context_words,
    normalize_password,
    password_refused,
    refusal,
)
from services.identity.storage import accounts, profiles
from services.identity.use_cases.context import Identity


async def check_new_password(password: str, words: Collection[str], *, identity: Identity) -> str:
    """The password in the form in which it is hashed. ``words`` are those that stand around it.

    Raises INVALID_FIELD on ``password``; DEPENDENCY_UNAVAILABLE where the list cannot be read: a password that could
    not be looked up is not set.
    """
    normalized = normalize_password(password)
    why = await refusal_of(normalized, words, identity=identity)
    if why is not None:
        raise password_refused(why)
    return normalized


async def refusal_of(normalized: str, words: Collection[str], *, identity: Identity) -> Refusal | None:
    """Why the password would not be taken; None where it would. Raises DEPENDENCY_UNAVAILABLE, OVERLOADED."""
    why = refusal(normalized, identity.known_passwords.common, words)
    if why is None and await identity.known_passwords.holds(normalized):
        return Refusal.BREACHED
    return why


async def words_around(account_id: UUID, *, identity: Identity) -> frozenset[str]:
    """The context words of an account: the service's name, its address and its profiles' names."""
    contacts = await accounts.list_contacts(identity.database, identity.keys, account_id)
    names = [each.name for each in await profiles.list_profiles(identity.database, account_id)]
    email = next((each.destination for each in contacts if each.channel is Channel.EMAIL), "")
    return context_words(brand=identity.brand, email=email, profile_names=names)
