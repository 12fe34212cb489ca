"""Statements on notices that wait, and on what ends when one is disowned; see ``sql`` for the habits they share."""

from __future__ import annotations

from typing import Final

INSERT_NOTICE: Final = """
/* gateway.insert_notice: a notice to be handed over; one that waits already stays as it is */
insert into pending_notice (account_id, notice_id, sealed_notice, next_attempt_time, create_time, expire_time)
values ($1, $2, $3, $4, $4, $5)
on conflict (account_id, notice_id) do nothing
"""

DUE_NOTICES: Final = """
/* gateway.due_notices: notices that wait to be handed over, over all accounts; read without a lock */
select account_id, notice_id from pending_notice where next_attempt_time <= $1 order by next_attempt_time limit $2
"""

CLAIM_NOTICES: Final = """
/* gateway.claim_notices: take due notices on a lease, each by one worker */
update pending_notice p
set attempt_count = p.attempt_count + 1, next_attempt_time = $4
from (select q.account_id, q.notice_id from pending_notice q
      where q.account_id = any($1::uuid[]) and q.notice_id = any($2::uuid[]) and q.next_attempt_time <= $3
      for update skip locked) c
where p.account_id = any($1::uuid[]) and p.account_id = c.account_id and p.notice_id = c.notice_id
returning p.account_id, p.notice_id, p.sealed_notice, p.attempt_count, p.expire_time
"""

PUT_NOTICE_OFF: Final = """
/* gateway.put_notice_off: this attempt failed; another one comes */
update pending_notice set next_attempt_time = $4
where account_id = $1 and notice_id = $2 and attempt_count = $3
"""

DELETE_NOTICE: Final = """
/* gateway.delete_notice: it was handed over, or given up */
delete from pending_notice where account_id = $1 and notice_id = $2
"""

END_STREAMS_BUT_OF_DEVICES: Final = """
/* gateway.end_streams_but_of_devices: free every slot of the account but those of some devices */
update slot set expire_time = $3, stream_id = null, session_id = null
where account_id = $1 and device_id <> all($2::text[]) and expire_time > $3
"""
