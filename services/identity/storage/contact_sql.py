"""Statements of contact changes and approvers. Each names the account on every relation; time is a parameter."""

from __future__ import annotations

from typing import Final

_CHANGE_COLUMNS: Final = """account_id, contact_id, channel, sealed_destination, restoring, create_time,
claim_time is not null as claimed, done_time is not null as done, sealed_former"""

FIND_CHANGE: Final = f"""
/* identity.find_contact_change: a change by its id */
select {_CHANGE_COLUMNS} from contact_change where account_id = $1 and contact_id = $2
"""

FIND_WAITING_CHANGE: Final = f"""
/* identity.find_waiting_contact_change: the one change of a channel that waits for its proof */
select {_CHANGE_COLUMNS} from contact_change where account_id = $1 and channel = $2 and done_time is null
"""

FIND_RESTORABLE_CHANGE: Final = f"""
/* identity.find_restorable_contact_change: the first change of the address within the days, unless it was undone */
select {_CHANGE_COLUMNS}
from contact_change c
where c.account_id = $1 and c.channel = 'EMAIL' and c.done_time > $2 and not c.restoring
  and c.sealed_former is not null
  and not exists (select from contact_change r
                  where r.account_id = $1 and r.restoring and r.done_time is not null and r.done_time >= c.done_time)
order by c.done_time
limit 1
"""

FIND_LATEST_CHANGE: Final = f"""
/* identity.find_latest_contact_change: the latest change of the email address that was done within the days */
select {_CHANGE_COLUMNS} from contact_change
where account_id = $1 and channel = 'EMAIL' and done_time > $2
order by done_time desc, restoring desc
limit 1
"""

INSERT_CHANGE: Final = """
/* identity.insert_contact_change: a new address or number that waits for its proof */
insert into contact_change (account_id, contact_id, channel, sealed_destination, restoring, create_time)
values ($1, $2, $3, $4, $5, $6)
"""

DELETE_CHANGE: Final = """
/* identity.delete_contact_change: another one takes its place */
delete from contact_change where account_id = $1 and contact_id = $2
"""

DELETE_OLD_CHANGES: Final = """
/* identity.delete_old_contact_changes: forget what an account's contacts were before the days in which that is kept */
delete from contact_change where account_id = $1 and done_time <= $2
"""

MARK_CLAIMED: Final = """
/* identity.mark_contact_change_claimed: its address is entered as the account's */
update contact_change set claim_time = $3 where account_id = $1 and contact_id = $2 and claim_time is null
"""

MARK_DONE: Final = """
/* identity.mark_contact_change_done: it is in use from now on */
update contact_change set done_time = $3, sealed_former = $4
where account_id = $1 and contact_id = $2 and done_time is null
"""

PUT_CONTACT: Final = """
/* identity.put_contact: a proved way to reach an owner, in place of the one before */
insert into contact (account_id, channel, sealed_destination, verify_time) values ($1, $2, $3, $4)
on conflict (account_id, channel) do update
set sealed_destination = excluded.sealed_destination, verify_time = excluded.verify_time
where contact.account_id = $1
"""

DELETE_CONTACT: Final = """
/* identity.delete_contact: the owner is no longer reached this way */
delete from contact where account_id = $1 and channel = $2
"""

RELEASE_ADDRESS: Final = """
/* identity.release_address: an address that was an account's is free again */
delete from email_address where email_hash = any($1::bytea[]) and account_id = $2
"""

_APPROVER_COLUMNS: Final = """account_id, approver_id, name, channel, sealed_destination, profile_id, create_time,
verify_time is not null as verified"""

LIST_APPROVERS: Final = f"""
/* identity.list_approvers: the second adults of an account, also those who have yet to prove themselves */
select {_APPROVER_COLUMNS} from approver where account_id = $1 order by create_time, approver_id
"""

INSERT_APPROVER: Final = """
/* identity.insert_approver: somebody who may become an approver */
insert into approver (account_id, approver_id, name, channel, sealed_destination, profile_id, create_time)
values ($1, $2, $3, $4, $5, $6, $7)
"""

VERIFY_APPROVER: Final = """
/* identity.verify_approver: they have proved to receive there */
update approver set verify_time = $3 where account_id = $1 and approver_id = $2 and verify_time is null
"""

DELETE_APPROVER: Final = """
/* identity.delete_approver: one is none any more */
delete from approver where account_id = $1 and approver_id = $2
"""

DELETE_WAITING_APPROVERS: Final = """
/* identity.delete_waiting_approvers: another one takes their place */
delete from approver where account_id = $1 and verify_time is null
"""
