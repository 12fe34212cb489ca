"""Sign-ins that failed, until they are written into the audit log.

They are counted here and written later, beside the answers: a write on the way would take time for known addresses that
unknown ones do not take. It also bounds what strangers can make the log grow by: one event an account and interval.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from libs.runtime.tasks import running
from services.identity.domain.audit import AuditKind
from services.identity.use_cases.audit import record_alone
from services.identity.use_cases.context import NOBODY, Identity

_STOP_SECONDS: Final = 5.0
_PASSING: Final = frozenset({ErrorReason.STORAGE_UNAVAILABLE, ErrorReason.CONCURRENT_CHANGE})
_log = get_logger(__name__)


async def write_failed_sign_ins(identity: Identity) -> None:
    """Write what was counted since the last time; what cannot be written now is counted again."""
    for account_id, count in identity.failed_sign_ins.take().items():
        if account_id == NOBODY:
            continue
        try:
            await record_alone(account_id, AuditKind.SIGN_IN_FAILED, identity=identity, details={"count": count})
        except ServiceError as error:
            _log.warning("failed sign-in not recorded", reason=error.reason)
            if error.reason in _PASSING:
                identity.failed_sign_ins.note(account_id, count)


@asynccontextmanager
async def writing_failed_sign_ins(identity: Identity, *, every_seconds: float) -> AsyncIterator[None]:
    """Write them in intervals until the block ends, and once more then."""
    try:
        async with running(_keep_writing(identity, every_seconds), name="failed-sign-ins"):
            yield
    finally:
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await write_failed_sign_ins(identity)
        except TimeoutError:
            _log.warning("failed sign-ins lost at the stop")


async def _keep_writing(identity: Identity, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await write_failed_sign_ins(identity)
        except Exception:
            _log.exception("failed sign-ins not written")
