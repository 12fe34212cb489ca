"""Statements that find every destination that is held for an account, its own and other people's."""

from __future__ import annotations

from typing import Final

LIST_CHANGED: Final = """
/* identity.list_changed_destinations: new and former contacts of an account; done: they were proved its owner's */
select contact_id, channel, sealed_destination, sealed_former, done_time is not null as done
from contact_change where account_id = $1
"""

LIST_INVITED: Final = """
/* identity.list_invited_destinations: who was invited by an account and is not over */
select member_id, sealed_email from extra_member where account_id = $1 and sealed_email is not null
"""
