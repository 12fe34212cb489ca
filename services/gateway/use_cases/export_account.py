"""ExportAccount: everything that all services hold about an account, as one archive."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from uuid import UUID

from libs.persistence.privacy import Subject, export_holdings
from libs.runtime.logging import get_logger
from services.gateway.archive import ArchiveWriter
from services.gateway.clients.privacy import LEAVES, MOST_DESTINATIONS, ExportPage
from services.gateway.domain.records import Client
from services.gateway.storage.privacy import HOLDINGS
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.reauthenticating import reauthenticate

_GATEWAY: Final = "gateway"
_log = get_logger(__name__)


async def export_account(context: Context, session_token: str, client: Client, password: str) -> AsyncGenerator[bytes]:
    """The owner's archive, in pieces of at most 64 KiB. Close it when leaving early.

    Raises SESSION_UNKNOWN, DEVICE_NOT_TRUSTED, CREDENTIALS_REJECTED.
    """
    resolved = await reauthenticate(context, session_token, client, password)
    async with aclosing(write_archive(context, resolved.account.account_id)) as pieces:
        async for piece in pieces:
            yield piece


async def export_account_as_operator(context: Context, account_id: UUID) -> AsyncGenerator[bytes]:
    """Any account's archive. Raises NOT_FOUND. Close it when leaving early."""
    await context.identity.get_account(account_id)
    async with aclosing(write_archive(context, account_id)) as pieces:
        async for piece in pieces:
            yield piece


async def write_archive(context: Context, account_id: UUID) -> AsyncGenerator[bytes]:
    """Each service's records go out as they come; what is held of them at a time does not grow with the account."""
    destinations = (await context.privacy.list_destinations(account_id)).own[:MOST_DESTINATIONS]
    with ArchiveWriter(account_id, context.clock.now()) as archive:
        for leaf in LEAVES:
            async with aclosing(context.privacy.export(leaf, account_id, destinations)) as pages:
                async for page in pages:
                    _add_page(archive, leaf, page)
                    for piece in archive.ready():
                        yield piece
        async with aclosing(export_holdings(context.database, HOLDINGS, Subject(account_id=account_id))) as chunks:
            async for chunk in chunks:
                _add_page(archive, _GATEWAY, ExportPage(records=[(each.kind, each.json) for each in chunk]))
                for piece in archive.ready():
                    yield piece
        withheld = [(each.kind, each.withheld) for each in HOLDINGS if each.withheld]
        _add_page(archive, _GATEWAY, ExportPage(records=(), withheld=withheld))
        for piece in archive.finish():
            yield piece
    _log.info("account exported", account_id=str(account_id))


def _add_page(archive: ArchiveWriter, service: str, page: ExportPage) -> None:
    for kind, line in page.records:
        archive.add(service, kind, line)
    for kind, reason in page.withheld:
        archive.withhold(service, kind, reason)
