"""The gateway's statements. Each stays within one account and says so on every relation; time is a parameter."""

from __future__ import annotations

from typing import Final

from services.gateway.storage.plan_sql import IN_THE_WAY

FIND_ADMISSION: Final = """
/* gateway.find_admission: the epoch under which a slot may be claimed */
select epoch from admission where account_id = $1
"""

HOLD_ADMISSION: Final = """
/* gateway.hold_admission: the epoch, held against revocations until the end; starts share it */
select epoch from admission where account_id = $1 for share
"""

ENSURE_ADMISSION: Final = """
/* gateway.ensure_admission: the account's row; an existing one is neither changed nor locked */
insert into admission (account_id) values ($1) on conflict (account_id) do nothing
"""

ENSURE_SLOTS: Final = """
/* gateway.ensure_slots: one row a stream of the plan; rows beyond a smaller plan stay, and are not claimed.
   Free since ever: a start beside the one that makes them may have looked at the clock a moment before it */
insert into slot (account_id, n, expire_time)
select $1, n, 'epoch'::timestamptz from generate_series(1, $2::int) as n
on conflict (account_id, n) do nothing
"""

CLAIM_SLOT: Final = """
/* gateway.claim_slot: take a free slot, if no revocation came between; waits for nobody */
update slot s
set stream_id = $3, session_id = $4, device_id = $5, device_name = $6, profile_id = $7, title_id = $8,
    start_time = $9, expire_time = $10, fence = s.fence + 1
where s.account_id = $1
  and s.n = (select q.n from slot q where q.account_id = $1 and q.expire_time <= $9 and q.n <= $11
             order by q.n limit 1 for update skip locked)
  and not exists (select 1 from slot w where w.account_id = $1 and w.n > $11 and w.expire_time > $9)
  and exists (select 1 from admission a where a.account_id = $1 and a.epoch = $2)
returning s.fence
"""

RENEW_SLOT: Final = f"""
/* gateway.renew_slot: move a lease's end, if its holder still has the slot, no revocation came between, and the plan
   has room for it: only where a plan was made smaller are there as many older streams as it has */
update slot s set expire_time = $5
where s.account_id = $1 and s.stream_id = $3 and s.fence = $4 and s.session_id = $6
  and exists (select 1 from admission a where a.account_id = $1 and a.epoch = $2)
  and {IN_THE_WAY} < $8
returning s.fence
"""

FIND_STREAM: Final = """
/* gateway.find_stream: the stream that holds a slot, whether or not its lease has ended */
select stream_id, session_id, device_id, device_name, profile_id, title_id, start_time, fence
from slot where account_id = $1 and stream_id = $2
"""

LIST_STREAMS: Final = """
/* gateway.list_streams: the streams that run now, oldest first */
select stream_id, session_id, device_id, device_name, profile_id, title_id, start_time, fence
from slot where account_id = $1 and expire_time > $2 order by start_time, n
"""

END_STREAMS: Final = """
/* gateway.end_streams: free the slots of these streams; the row forgets who held it */
update slot set expire_time = $3, stream_id = null, session_id = null
where account_id = $1 and stream_id = any($2::uuid[]) and expire_time > $3
"""

END_DEVICE_STREAMS: Final = """
/* gateway.end_device_streams: free every slot of a device */
update slot set expire_time = $3, stream_id = null, session_id = null
where account_id = $1 and device_id = $2 and expire_time > $3
"""

END_SESSION_STREAMS: Final = """
/* gateway.end_session_streams: free every slot of a session */
update slot set expire_time = $3, stream_id = null, session_id = null
where account_id = $1 and session_id = $2 and expire_time > $3
"""

END_OTHER_STREAMS: Final = """
/* gateway.end_other_streams: free every slot of the account but those of one session */
update slot set expire_time = $3, stream_id = null, session_id = null
where account_id = $1 and session_id is distinct from $2 and expire_time > $3
"""

RAISE_EPOCH: Final = """
/* gateway.raise_epoch: from now on nothing that was looked up before may claim a slot */
insert into admission (account_id, epoch) values ($1, 1)
on conflict (account_id) do update set epoch = admission.epoch + 1 where admission.account_id = $1
"""

INSERT_DECISION: Final = """
/* gateway.insert_decision: keep a decision; refused by decision_request when the request id has one */
insert into decision (account_id, decision_id, request_id, kind, body_digest, outcome, reason, cell, shadow_outcome,
                      policy_version, facts, rules, answer, decide_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

_DECISION_COLUMNS: Final = """account_id, decision_id, request_id, kind, body_digest, outcome, reason, cell,
shadow_outcome, policy_version, facts, rules, answer, decide_time"""

FIND_DECISION: Final = f"""
/* gateway.find_decision: a decision by its id */
select {_DECISION_COLUMNS} from decision where account_id = $1 and decision_id = $2
"""

FIND_DECISION_BY_REQUEST: Final = f"""
/* gateway.find_decision_by_request: the decision that a request id has already */
select {_DECISION_COLUMNS} from decision where account_id = $1 and kind = $2 and request_id = $3
"""

UPSERT_ASKER: Final = """
/* gateway.upsert_asker: who asked for a verification */
insert into asker (account_id, challenge_id, session_id, client, expire_time) values ($1, $2, $3, $4, $5)
on conflict (account_id, challenge_id) do nothing
"""

FIND_ASKER: Final = """
/* gateway.find_asker: who asked for a verification */
select session_id, client from asker where account_id = $1 and challenge_id = $2
"""

DELETE_ASKERS: Final = """
/* gateway.delete_askers: forget the one that was answered and those of the account that are over */
delete from asker where account_id = $1 and (challenge_id = $2 or expire_time <= $3)
"""

INSERT_PROOF: Final = """
/* gateway.insert_proof: a sign-up or a password reset that waits for its code */
insert into proof (proof_id, purpose, account_id, challenge_id, device_id, body_digest, expire_time, source_account_id)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (proof_id) do nothing
"""

FIND_PROOF: Final = """
/* gateway.find_proof: what a proof's code is about */
select proof_id, purpose, account_id, challenge_id, device_id, source_account_id, body_digest, expire_time
from proof where proof_id = $1
"""
