"""What the gateway holds about an account, and the accounts that are being erased."""

from __future__ import annotations

from typing import Final

from libs.persistence.privacy import erase_rows

# Holdings -------------------------------------------------------------------------------------------------------------

EXPORT_DECISIONS: Final = """
/* gateway.export_decisions: a page of what was decided, and why */
select decision_id, kind, outcome, reason, cell, shadow_outcome, policy_version, facts, rules, answer, decide_time
from decision where account_id = $1 and decision_id > $3 order by decision_id limit $2
"""

EXPORT_STREAMS: Final = """
/* gateway.export_streams: the latest stream on each of the plan's places */
select n as place, device_id, device_name, profile_id, title_id, start_time, expire_time as end_time
from slot where account_id = $1 and n > $3 and start_time is not null order by n limit $2
"""

EXPORT_ASKERS: Final = """
/* gateway.export_askers: a page of verifications that wait for an answer */
select challenge_id as verification_id, session_id, expire_time
from asker where account_id = $1 and challenge_id > $3 order by challenge_id limit $2
"""

EXPORT_PROOFS: Final = """
/* gateway.export_proofs: a page of sign-ups and password resets that wait for their code */
select proof_id, purpose, device_id, begin_time, expire_time
from proof where account_id = $1 and proof_id > $3 order by proof_id limit $2
"""

EXPORT_OWN_ACCOUNTS: Final = """
/* gateway.export_own_accounts: a page of who left with a profile; to where, is another person's account */
select own_account_id, profile_id, profile_name, device_id, state, undone_by, create_time, begin_time, done_time,
       undo_time
from own_account where account_id = $1 and own_account_id > $3 order by own_account_id limit $2
"""

EXPORT_TRANSFERS: Final = """
/* gateway.export_transfers: a page of questions whether a profile may leave */
select challenge_id as verification_id, profile_id, device_id, agree_time, expire_time
from profile_transfer where account_id = $1 and challenge_id > $3 order by challenge_id limit $2
"""

EXPORT_CONTACT_CHANGES: Final = """
/* gateway.export_contact_changes: a page of new contacts and approvers that wait for their code */
select change_id, kind, device_id, expire_time
from contact_change where account_id = $1 and change_id > $3 order by change_id limit $2
"""

EXPORT_NOTICES: Final = """
/* gateway.export_notices: a page of notices that are still on their way; what they say, and to whom, is in the mail */
select notice_id, create_time, expire_time
from pending_notice where account_id = $1 and notice_id > $3 order by notice_id limit $2
"""

ERASE_OWN_ACCOUNTS: Final = erase_rows("gateway", "own_account", "account_id, own_account_id")
ERASE_OWN_ACCOUNTS_TO: Final = erase_rows(
    "gateway", "own_account", "account_id, own_account_id", where="target_account_id = $1"
)
ERASE_OWN_ACCOUNT_TARGET: Final = erase_rows("gateway", "own_account_target", "account_id")
ERASE_OWN_ACCOUNT_SOURCES: Final = erase_rows(
    "gateway", "own_account_target", "account_id", where="source_account_id = $1"
)
ERASE_TRANSFERS: Final = erase_rows("gateway", "profile_transfer", "account_id, challenge_id")
ERASE_NOTICES: Final = erase_rows("gateway", "pending_notice", "account_id, notice_id")
ERASE_CONTACT_CHANGES: Final = erase_rows("gateway", "contact_change", "account_id, change_id")

ERASE_DECISIONS: Final = erase_rows("gateway", "decision", "account_id, decision_id")
ERASE_SLOTS: Final = erase_rows("gateway", "slot", "account_id, n")
ERASE_ASKERS: Final = erase_rows("gateway", "asker", "account_id, challenge_id")
ERASE_PROOFS: Final = erase_rows("gateway", "proof", "proof_id")
ERASE_PROOFS_OF_LEAVERS: Final = erase_rows("gateway", "proof", "proof_id", where="source_account_id = $1")
ERASE_ADMISSION: Final = erase_rows("gateway", "admission", "account_id")

# Erasures -------------------------------------------------------------------------------------------------------------

_ERASURE: Final = """erasure_id, account_id, request_id, requester, state, step, state_before, attempt_count, counts,
request_time, erase_time, due_time, done_time, fence"""

BEGIN_ERASURE: Final = f"""
/* gateway.begin_erasure: an account is to be erased, and whoever says so works on it; no row: it is already */
insert into erasure as e (erasure_id, account_id, request_id, requester, state, step, state_before, request_time,
                          erase_time, due_time, lease_time, fence)
values ($1, $2, $3, $4, 'CLOSING', 'close', $5, $6, $7, $6, $8, $9)
on conflict (erasure_id) do update
set account_id = excluded.account_id, request_id = excluded.request_id, requester = excluded.requester,
    state = excluded.state, step = excluded.step, state_before = excluded.state_before, attempt_count = 0,
    counts = excluded.counts, request_time = excluded.request_time, erase_time = excluded.erase_time,
    due_time = excluded.due_time, lease_time = excluded.lease_time, done_time = null,
    fence = greatest(e.fence + 1, excluded.fence)
where e.state in ('CANCELLED', 'DONE') and e.due_time is null
returning {_ERASURE}
"""

FIND_ERASURE: Final = f"""
/* gateway.find_erasure: an erasure by its id */
select {_ERASURE} from erasure where erasure_id = $1
"""

DUE_ERASURES: Final = """
/* gateway.due_erasures: erasures whose next step is due; read without a lock */
select erasure_id from erasure where due_time <= $1 and lease_time <= $1 order by due_time limit $2
"""

CLAIM_ERASURE: Final = f"""
/* gateway.claim_erasure: have an erasure to oneself until $3; its earlier holder has lost it */
update erasure set lease_time = $3, fence = fence + 1 where erasure_id = $1 and lease_time <= $2 and due_time <= $2
returning {_ERASURE}
"""

MOVE_ERASURE_ON: Final = f"""
/* gateway.move_erasure_on: a step is done; no row: somebody else had it */
update erasure set step = $3, state = $4, due_time = $5, counts = $6, attempt_count = 0, lease_time = $7
where erasure_id = $1 and step = $2 and fence = $8 and state not in ('DONE', 'FAILED')
returning {_ERASURE}
"""

RELEASE_ERASURE: Final = """
/* gateway.release_erasure: nobody works on it any more */
update erasure set lease_time = $2 where erasure_id = $1 and fence = $3
"""

POSTPONE_ERASURE: Final = """
/* gateway.postpone_erasure: a step failed; $3 is null where it has failed for good; no row: somebody else has it */
update erasure set attempt_count = attempt_count + 1, due_time = $3, lease_time = $4, counts = $5,
       state = case when $3::timestamptz is null then 'FAILED' else state end
where erasure_id = $1 and step = $2 and fence = $6
returning erasure_id
"""

CANCEL_ERASURE: Final = f"""
/* gateway.cancel_erasure: call an erasure off before anything was deleted, unless somebody works on it */
update erasure set state = 'CANCELLED', step = 'reopen', due_time = $2, attempt_count = 0, lease_time = $3,
       fence = fence + 1
where erasure_id = $1 and state in ('CLOSING', 'WAITING') and lease_time <= $2
returning {_ERASURE}
"""

CALL_ERASURE_OFF: Final = f"""
/* gateway.call_erasure_off: its account is open, so nothing may be deleted; by who works on it; no row: it was taken */
update erasure set state = 'CANCELLED', step = 'reopen', due_time = $2, attempt_count = 0, lease_time = $3
where erasure_id = $1 and step = 'wait' and fence = $4
returning {_ERASURE}
"""

HASTEN_ERASURE: Final = f"""
/* gateway.hasten_erasure: bring the day forward to $3, or set a failed one in motion again */
update erasure
set erase_time = case when state in ('CLOSING', 'WAITING') then least(erase_time, $3) else erase_time end,
    due_time = case when state = 'FAILED' then $2 when state = 'WAITING' then least(due_time, $3) else due_time end,
    state = case when state = 'FAILED' then $4 else state end,
    attempt_count = 0, fence = fence + 1
where erasure_id = $1 and lease_time <= $2 and state in ('CLOSING', 'WAITING', 'FAILED')
returning {_ERASURE}
"""

FINISH_ERASURE: Final = f"""
/* gateway.finish_erasure: what is left of the account is that it was erased */
update erasure set account_id = null, request_id = null, state = 'DONE', step = '', due_time = null, done_time = $2,
       lease_time = $2, counts = $3
where erasure_id = $1 and step = 'gateway_again' and fence = $4
returning {_ERASURE}
"""
