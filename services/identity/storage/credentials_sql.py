"""Statements about credentials."""

from __future__ import annotations

from typing import Final

REPLACE_CREDENTIAL: Final = """
/* identity.replace_credential: the same password under today's parameters, unless it was changed meanwhile */
update credential set password_hash = $3 where account_id = $1 and password_hash = $2
"""
