"""Statements of contact changes. Each stays within one account; time is a parameter."""

from __future__ import annotations

from typing import Final

INSERT_CONTACT_CHANGE: Final = """
/* gateway.insert_contact_change: a contact or an approver that waits for its code */
insert into contact_change (account_id, change_id, kind, contact_id, challenge_id, device_id, body_digest, expire_time)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (account_id, change_id) do nothing
"""

FIND_CONTACT_CHANGE: Final = """
/* gateway.find_contact_change: what a code is about */
select account_id, change_id, kind, contact_id, challenge_id, device_id, body_digest, expire_time
from contact_change where account_id = $1 and change_id = $2
"""
