"""Statements of the key rotation's job, which reads all accounts, and changes each in a transaction of its own."""

from __future__ import annotations

from typing import Final

PAGE: Final = """
/* identity.rotation_page: the next accounts with what is sealed of theirs, a row for each contact; locks nothing */
select a.account_id, a.state, k.wrapped_key, k.key_id, k.version, c.channel, c.sealed_destination
from (select account_id, state from account where account_id > $1 order by account_id limit $2) a
left join contact_key k on k.account_id = a.account_id
left join contact c on c.account_id = a.account_id
order by a.account_id, c.channel
"""

ONE: Final = """
/* identity.rotation_one: the same of one account, which is locked */
select a.account_id, a.state, k.wrapped_key, k.key_id, k.version, c.channel, c.sealed_destination
from account a
left join contact_key k on k.account_id = a.account_id and k.account_id = $1
left join contact c on c.account_id = a.account_id and c.account_id = $1
where a.account_id = $1
order by c.channel
"""

HELD: Final = """
/* identity.rotation_held: which of some hashes are entered, for whom, and how marked */
select email_hash, account_id, key_id from email_address where email_hash = any($1::bytea[])
"""

REWRAP: Final = """
/* identity.rewrap: an account's data key under another contact key, unless somebody was faster */
update contact_key set wrapped_key = $3, key_id = $4, version = version + 1, wrap_time = $5
where account_id = $1 and version = $2
"""

RESEAL: Final = """
/* identity.reseal: a contact under the account's data key, unless it was changed meanwhile */
update contact set sealed_destination = $4
where account_id = $1 and channel = $2 and sealed_destination = $3
"""

MARK: Final = """
/* identity.mark_address: note which key hashed an address */
update email_address set key_id = $3 where email_hash = $1 and account_id = $2 and key_id is null
"""

RETIRE: Final = """
/* identity.retire_addresses: hashes of an account under keys that are to be dropped */
delete from email_address where email_hash = any($2::bytea[]) and account_id = $1
"""

COUNT_ACCOUNTS: Final = """
/* identity.count_accounts: how many the job has before it */
select count(*) from account where account_id > $1
"""

COUNT_DATA_KEYS: Final = """
/* identity.count_data_keys: by the key that wraps them */
select key_id, count(*) as rows from contact_key group by key_id
"""

# Form 1 carries the first four bytes of its key's id after the form's byte: libs.runtime.keys.SealingKeys.
COUNT_DIRECT: Final = """
/* identity.count_direct: contacts, changes, approvers and invitations directly under a contact key, by that key */
select substring(sealed from 2 for 4) as key_id, count(*) as rows
from (select sealed_destination as sealed from contact
      union all select sealed_destination from contact_change
      union all select sealed_former from contact_change where sealed_former is not null
      union all select sealed_destination from approver
      union all select sealed_email from extra_member where sealed_email is not null) s
where substring(sealed from 1 for 1) = '\\x01'::bytea
group by 1
"""

COUNT_ADDRESSES: Final = """
/* identity.count_addresses: by the key that hashed them */
select key_id, count(*) as rows from email_address group by key_id
"""

COUNT_BEHIND: Final = """
/* identity.count_behind: accounts whose address cannot be found under the current key */
select count(*) from (
    select account_id from email_address group by account_id having not coalesce(bool_or(key_id = $1), false)
) behind
"""
