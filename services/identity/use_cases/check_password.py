"""CheckPassword: how hard a password is to guess, and whether it would be taken."""

from __future__ import annotations

from dataclasses import dataclass

from services.identity.domain.password import Refusal, context_words, normalize_password
from services.identity.domain.strength import Strength
from services.identity.meter import Meter
from services.identity.use_cases.context import Identity
from services.identity.use_cases.new_passwords import refusal_of


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedPassword:
    """What the meter says, and why it would not be taken; None where it would."""

    strength: Strength
    refusal: Refusal | None


async def check_password(
    password: str, email: str, profile_name: str, *, identity: Identity, meter: Meter
) -> CheckedPassword:
    """What would be said of this password in a sign-up. Nothing is kept and no account is looked at.

    Raises OVERLOADED; DEPENDENCY_UNAVAILABLE where the list of breached passwords cannot be read.
    """
    normalized = normalize_password(password)
    words = context_words(brand=identity.brand, email=email, profile_names=[profile_name])
    strength = await meter.measure(normalized, words)
    return CheckedPassword(strength=strength, refusal=await refusal_of(normalized, words, identity=identity))
