"""The statements of own accounts. All but the candidates and upkeep stay within one account."""

from __future__ import annotations

from typing import Final

INSERT_OWN_ACCOUNT: Final = """
/* gateway.insert_own_account: an own account that waits for its code */
insert into own_account (account_id, own_account_id, target_account_id, profile_id, profile_name, device_id,
                         challenge_id, owner_agreed, state, step, attempts, failure, create_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'WAITING', 'PROVE', 0, '', $9)
on conflict (account_id, own_account_id) do nothing
"""

FIND_OWN_ACCOUNT: Final = """
/* gateway.find_own_account: how far it has come */
select account_id, own_account_id, target_account_id, profile_id, profile_name, device_id, challenge_id,
       owner_agreed, state, step, undone_by, client, attempts, failure, next_try_time, create_time, begin_time,
       done_time, undo_time
from own_account where account_id = $1 and own_account_id = $2
"""

LIST_OWN_ACCOUNTS: Final = """
/* gateway.list_own_accounts: who left an account, the latest first */
select account_id, own_account_id, target_account_id, profile_id, profile_name, device_id, challenge_id,
       owner_agreed, state, step, undone_by, client, attempts, failure, next_try_time, create_time, begin_time,
       done_time, undo_time
from own_account
where account_id = $1 and state <> 'WAITING'
order by begin_time desc, own_account_id limit $2
"""

ENTER_CODE: Final = """
/* gateway.enter_code: somebody enters the code; should the gateway crash over it, a worker looks what came of it */
update own_account set next_try_time = $3, client = $4
where account_id = $1 and own_account_id = $2 and state = 'WAITING'
"""

STOP_WAITING: Final = """
/* gateway.stop_waiting: the code that was entered was not the right one, or the profile may not leave */
update own_account set next_try_time = null, client = null, failure = $3
where account_id = $1 and own_account_id = $2 and state = 'WAITING' and next_try_time = $4
"""

KEEP_OWN_ACCOUNT: Final = """
/* gateway.keep_own_account: what came of a step, unless another driver was there before */
update own_account
set state = $5, step = $6, undone_by = $7, client = $8, attempts = $9, failure = $10, next_try_time = $11,
    begin_time = $12, done_time = $13, undo_time = $14
where account_id = $1 and own_account_id = $2 and state = $3 and step is not distinct from $4
returning own_account_id
"""

KEEP_FAILURE: Final = """
/* gateway.keep_failure: that a step failed, unless another driver has claimed it since: who comes late says nothing */
update own_account set failure = $6, next_try_time = $7
where account_id = $1 and own_account_id = $2 and state = $3 and step is not distinct from $4 and attempts = $5
returning own_account_id
"""

DUE_OWN_ACCOUNTS: Final = """
/* gateway.due_own_accounts: what no driver holds, the longest due first; candidates only, over all accounts */
select account_id, own_account_id, target_account_id, profile_id, profile_name, device_id, challenge_id,
       owner_agreed, state, step, undone_by, client, attempts, failure, next_try_time, create_time, begin_time,
       done_time, undo_time
from own_account where next_try_time <= $1 order by next_try_time limit $2
"""

CLAIM_OWN_ACCOUNT: Final = """
/* gateway.claim_own_account: lease one of them, unless another worker was there before */
update own_account set next_try_time = $4, attempts = attempts + 1
where account_id = $1 and own_account_id = $2 and next_try_time = $3
returning account_id, own_account_id, target_account_id, profile_id, profile_name, device_id, challenge_id,
       owner_agreed, state, step, undone_by, client, attempts, failure, next_try_time, create_time, begin_time,
       done_time, undo_time
"""

LIST_STALLED: Final = """
/* gateway.list_stalled: what was given up, the oldest first; for operators, over all accounts */
select account_id, own_account_id, target_account_id, profile_id, profile_name, device_id, challenge_id,
       owner_agreed, state, step, undone_by, client, attempts, failure, next_try_time, create_time, begin_time,
       done_time, undo_time
from own_account
where state in ('RUNNING', 'UNDOING') and next_try_time is null
order by create_time limit $1
"""

RETRY_STALLED: Final = """
/* gateway.retry_stalled: let workers take up what was given up */
update own_account set next_try_time = $3, attempts = 0
where account_id = $1 and own_account_id = $2 and state in ('RUNNING', 'UNDOING') and next_try_time is null
returning own_account_id
"""

INSERT_TARGET: Final = """
/* gateway.insert_target: which own account an account was made as */
insert into own_account_target (account_id, source_account_id, own_account_id) values ($1, $2, $3)
on conflict (account_id) do nothing
"""

FIND_TARGET: Final = """
/* gateway.find_target: the own account that an account was made as */
select source_account_id, own_account_id from own_account_target where account_id = $1
"""

END_PROFILE_STREAMS: Final = """
/* gateway.end_profile_streams: free every slot of a profile */
update slot set expire_time = $3, stream_id = null, session_id = null
where account_id = $1 and profile_id = $2 and expire_time > $3
"""

UPSERT_TRANSFER: Final = """
/* gateway.upsert_transfer: which profile the owner is asked about */
insert into profile_transfer (account_id, challenge_id, profile_id, device_id, expire_time) values ($1, $2, $3, $4, $5)
on conflict (account_id, challenge_id) do nothing
"""

FIND_TRANSFERS: Final = """
/* gateway.find_transfers: which profiles these questions are about */
select challenge_id, profile_id, device_id, agree_time, expire_time
from profile_transfer where account_id = $1 and challenge_id = any($2::uuid[])
"""

AGREE_TRANSFER: Final = """
/* gateway.agree_transfer: the owner's yes was brought */
update profile_transfer set agree_time = $3 where account_id = $1 and challenge_id = $2 and agree_time is null
"""
