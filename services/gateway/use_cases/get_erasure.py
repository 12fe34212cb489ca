"""GetErasure: how far an erasure is, and the receipt of one that is done."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.erasure import Erasure
from services.gateway.storage import erasures
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.erasing import require


async def get_erasure(context: Context, erasure_id: UUID) -> Erasure:
    """The erasure. Raises NOT_FOUND."""
    return require(await erasures.find(context.database, erasure_id))
