"""The identity service without what keeps known addresses from being told: the negative control.

Where there is no account it checks no password, and where an address is taken it makes no account: as the first version
of most services does.
"""

from __future__ import annotations

from libs.rpc.process import run_service
from services.identity import main, passwords, servicer
from services.identity.domain.contact import normalize_email
from services.identity.settings import IdentitySettings
from services.identity.storage import accounts
from services.identity.use_cases.context import Identity
from services.identity.use_cases.create_account import CreatedAccount, NewAccount, create_account


class _Naive(passwords.Admitted):
    async def verify(self, password_hash: str | None, password: str) -> bool:
        return password_hash is not None and await super().verify(password_hash, password)


async def _naive_create_account(new: NewAccount, *, identity: Identity) -> CreatedAccount:
    email = normalize_email(new.email)
    if await accounts.find_address(identity.database, identity.keys.email_hashes(email)) is None:
        return await create_account(new, identity=identity)
    return CreatedAccount(account_id=identity.ids.new(), email_taken=True, email=email)


if __name__ == "__main__":
    passwords.Admitted = _Naive  # type: ignore[misc]  # in this process alone
    servicer.create_account = _naive_create_account  # type: ignore[attr-defined]  # and here
    run_service(main.NAME, IdentitySettings, main.serve)
