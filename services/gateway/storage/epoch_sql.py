"""The statement by which streams that are open learn of revocations; see ``sql`` for the habits they share."""

from __future__ import annotations

from typing import Final

FIND_EPOCHS: Final = """
/* gateway.find_epochs: the epochs of the accounts that are watched; over all of them, once a second */
select account_id, epoch from admission where account_id = any($1::uuid[])
"""
