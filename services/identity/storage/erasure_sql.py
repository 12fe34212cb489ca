"""Statements about accounts that are to be erased. Each stays within one account."""

from __future__ import annotations

from typing import Final

LOCK_STANDING: Final = """
/* identity.lock_standing: an account's state, and what it was before its erasure; held against everybody else */
select state, state_before_erasure, erasure_fence from account where account_id = $1 for no key update
"""

MARK_FOR_ERASURE: Final = """
/* identity.mark_for_erasure: an account is to be erased, and was in this state; $2 is null where it is not any more */
update account set state_before_erasure = $2, erasure_fence = greatest(erasure_fence, $3) where account_id = $1
"""
