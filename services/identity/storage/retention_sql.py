"""Statements of identity's retention that are more than one deletion: accounts, and contacts of closed ones."""

from __future__ import annotations

from typing import Final

FIND_ABANDONED: Final = """
/* identity.retention_find_abandoned: accounts that were never activated; locks nothing */
select account_id from account
where account_id > $1 and state = 'PENDING' and create_time < $2
order by account_id limit $3
"""

LOCK_ABANDONED: Final = """
/* identity.retention_lock_abandoned: one of them, unless it was activated meanwhile */
select account_id from account where account_id = $1 and state = 'PENDING' for update
"""

DELETE_ABANDONED: Final = (
    "/* identity.retention_contacts: of an abandoned account */ delete from contact where account_id = $1",
    "/* identity.retention_contact_key: of an abandoned account */ delete from contact_key where account_id = $1",
    "/* identity.retention_credential: of an abandoned account */ delete from credential where account_id = $1",
    "/* identity.retention_profiles: of an abandoned account */ delete from profile where account_id = $1",
    "/* identity.retention_requests: of an abandoned account */ delete from request where account_id = $1",
    "/* identity.retention_sessions: of an abandoned account */ delete from session where account_id = $1",
    "/* identity.retention_tokens: of an abandoned account */ delete from spent_refresh_token where account_id = $1",
    "/* identity.retention_account: the abandoned account */ delete from account where account_id = $1",
)

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
)
