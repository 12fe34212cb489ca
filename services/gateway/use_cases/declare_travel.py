"""DeclareTravel: the household will be away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.gateway.domain.records import Allowances, Client
from services.gateway.use_cases.context import Context, require_in_good_order, resolve_member


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclareTravel:
    """Days on which the household travels."""

    request_id: UUID
    session_token: str
    client: Client
    country_code: str
    start_time: datetime
    end_time: datetime


async def declare_travel(context: Context, command: DeclareTravel) -> Allowances:
    """What the account has left. Raises DEVICE_NOT_TRUSTED, STATE_CONFLICT, ALLOWANCE_EXHAUSTED, INVALID_FIELD."""
    resolved, _ = await resolve_member(context, command.session_token, command.client)
    require_in_good_order(resolved.account)
    return await context.device_trust.declare_travel(
        command.request_id,
        resolved.account.account_id,
        command.country_code,
        command.start_time,
        command.end_time,
    )
