"""GetCredentialState: how an account's password stands."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.identity.domain.protection import Credential
from services.identity.storage import protection
from services.identity.use_cases.context import Identity


async def get_credential_state(account_id: UUID, *, identity: Identity) -> Credential:
    """The password's state. Raises NOT_FOUND for an account without one."""
    credential = await protection.find_credential(identity.database, account_id)
    if credential is None:
        raise not_found("account")
    return credential
