"""CheckPassword: what the meter says of a password that somebody is typing."""

from __future__ import annotations

from services.gateway.clients.passwords import CheckedPassword
from services.gateway.use_cases.context import Context


async def check_password(context: Context, password: str, email: str, profile_name: str) -> CheckedPassword:
    """How hard it is to guess and whether a sign-up would take it. Nothing is kept. Raises OVERLOADED."""
    return await context.passwords.check_password(password, email, profile_name)
