"""Profiles: the viewers within an account, and which of them may move."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, invalid_field
from services.identity.domain.text import problem_of_shown_text

MAX_NAME_LENGTH: Final = 40
ADULT_AGE: Final = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A viewer. ``maturity_age`` in years; 18 shows all.

    ``moving_to`` is set once a move has begun and stays; ``moved_to`` once the profile stands elsewhere.
    """

    profile_id: UUID
    account_id: UUID
    name: str
    maturity_age: int
    primary: bool
    kids: bool
    moving_to: UUID | None = None
    moved_to: UUID | None = None
    pin_locked: bool = False


def owner_profile(*, profile_id: UUID, account_id: UUID, name: str) -> Profile:
    """The first profile of a new account: its owner's."""
    return Profile(
        profile_id=profile_id, account_id=account_id, name=name, maturity_age=ADULT_AGE, primary=True, kids=False
    )


def clean_name(name: str, field: str) -> str:
    """A shown name without space around it and in Unicode's composed form.

    Raises INVALID_FIELD on ``field`` where nothing is left, it is too long, or it holds what people cannot see.
    """
    cleaned = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(cleaned) <= MAX_NAME_LENGTH:
        raise invalid_field(field, f"must be 1 to {MAX_NAME_LENGTH} characters besides space around them")
    if problem := problem_of_shown_text(cleaned):
        raise invalid_field(field, problem)
    return cleaned


def check_movable(profile: Profile, target_account_id: UUID, *, owner_agreed: bool = False) -> None:
    """Raise STATE_CONFLICT for a profile that must stay: the owner's; without a yes a child's or a locked one; or one
    on its way elsewhere. One that is on its way to the target already has its yes.
    """
    begun = profile.moving_to == target_account_id
    if profile.primary:
        problem = "the owner's profile never moves"
    elif profile.moving_to is not None and not begun:
        problem = "it is moving to another account"
    elif needs_owners_yes(profile) and not owner_agreed and not begun:
        problem = "it moves only with the owner's yes"
    else:
        return
    raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"profile {profile.profile_id}: {problem}")


def needs_owners_yes(profile: Profile) -> bool:
    """Whether a profile may leave only if the owner agrees: a child's, or one that the household has locked."""
    return profile.kids or profile.pin_locked
