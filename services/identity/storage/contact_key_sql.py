"""Statements about data keys and the marks of addresses, all of which need migration 0006."""

from __future__ import annotations

from typing import Final

LIST_CONTACTS_AND_KEY: Final = """
/* identity.list_contacts_and_key: the ways to reach an owner, email first, and what opens them */
select c.channel, c.sealed_destination, c.verify_time is not null as verified, k.wrapped_key
from contact c
left join contact_key k on k.account_id = c.account_id and k.account_id = $1
where c.account_id = $1
order by c.channel
"""

FIND_DATA_KEY: Final = """
/* identity.find_data_key: an account's data key, wrapped */
select wrapped_key from contact_key where account_id = $1
"""

# The update that changes nothing has the row returned, which `do nothing` would not.
ENSURE_DATA_KEY: Final = """
/* identity.ensure_data_key: an account's data key, wrapped; made where there is none */
insert into contact_key as k (account_id, wrapped_key, key_id) values ($1, $2, $3)
on conflict (account_id) do update set version = k.version
returning wrapped_key
"""

CLAIM_MARKED: Final = """
/* identity.claim_marked: give an address to an account, unless it is another's, and note the key of its hash */
insert into email_address (email_hash, account_id, key_id) values ($1, $2, $3) on conflict (email_hash) do nothing
"""
