"""Statements of identity's retention that are more than one deletion: contacts of closed accounts."""

from __future__ import annotations

from typing import Final

NOTE_CLOSING: Final = """
/* identity.retention_note_closing: since when an account is seen closed; forgotten where it was opened again */
update account set close_time = case when state = 'CLOSED' then $3::timestamptz end
where account_id > $1 and account_id <= $2 and (state = 'CLOSED') <> (close_time is not null)
"""

NEXT_ACCOUNTS: Final = """
/* identity.retention_next_accounts: where the next piece of a walk over all accounts ends */
select account_id from account where account_id > $1 order by account_id offset $2 limit 1
"""

FIND_CLOSED: Final = """
/* identity.retention_find_closed: accounts closed long ago that still have contacts; locks nothing */
select a.account_id from account a
where a.account_id > $1 and a.state = 'CLOSED' and a.close_time < $2
  and exists (select from contact c where c.account_id = a.account_id)
order by a.account_id limit $3
"""

LOCK_CLOSED: Final = """
/* identity.retention_lock_closed: one of them, unless it was opened meanwhile */
select account_id from account where account_id = $1 and state = 'CLOSED' for no key update
"""

SHRED_CONTACTS: Final = (
    "/* identity.retention_shred_key: without it no copy of the contacts opens, in a backup neither */ "
    "delete from contact_key where account_id = $1",
    "/* identity.retention_shred_contacts: of a closed account */ delete from contact where account_id = $1",
    "/* identity.retention_shred_changes: of a closed account */ delete from contact_change where account_id = $1",
    "/* identity.retention_shred_approvers: of a closed account */ delete from approver where account_id = $1",
    "/* identity.retention_leave_place: a closed account comes back no more; the upkeep frees its place at its host */ "
    "update membership set state = 'REMOVED', host_told = false where account_id = $1 and state <> 'REMOVED'",
)
"""What ends with a closed account's contacts."""
