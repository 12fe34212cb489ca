"""Every statement on challenges, their limits and their requests.

Each begins with its name and purpose, names ``account_id`` on every relation, and takes the time as a parameter.
"""

from __future__ import annotations

from typing import Final

_CHALLENGE: Final = """
    account_id, challenge_id, purpose, channel, state, device_id, device_kind, device_platform, device_name,
    country_code, language, masked_destination, destination_hash, match_number, sealed_code, session_id,
    phone_range_hashes, attempts_left, verify_request_ids, verify_results, deciding_device_id, create_time,
    expire_time"""

FIND_CHALLENGE: Final = f"""/* challenge.find_challenge: one challenge of an account */
select {_CHALLENGE}
from challenge
where account_id = $1 and challenge_id = $2"""

LIST_PENDING: Final = f"""/* challenge.list_pending: an account's pending challenges, newest first */
select {_CHALLENGE}
from challenge
where account_id = $1 and state = 'pending' and expire_time > $2
order by create_time desc, challenge_id desc
limit $3"""

INSERT_CHALLENGE: Final = """/* challenge.insert_challenge: a new pending challenge */
insert into challenge (
    account_id, challenge_id, purpose, channel, state, device_id, device_kind, device_platform, device_name,
    country_code, language, masked_destination, destination_hash, match_number, code_hash, sealed_code,
    attempts_left, create_time, expire_time, update_time, session_id, phone_range_hashes)
values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $17, $19, $20)"""

SUPERSEDE: Final = """/* challenge.supersede: end the pending challenge whose place a newer one takes */
update challenge
set state = case when expire_time > $4 then 'superseded' else 'expired' end,
    code_hash = null, sealed_code = null, update_time = $4
where account_id = $1 and device_id = $2 and purpose = $3 and state = 'pending'
returning challenge_id"""

SPEND_GUESS: Final = f"""/* challenge.spend_guess: spend an attempt, compare, redeem; committed by itself */
update challenge
set attempts_left = attempts_left - 1,
    state = case when code_hash = $5 then 'verified' when attempts_left = 1 then 'exhausted' else 'pending' end,
    code_hash = case when code_hash = $5 or attempts_left = 1 then null else code_hash end,
    sealed_code = case when code_hash = $5 or attempts_left = 1 then null else sealed_code end,
    verify_request_ids = array_append(verify_request_ids, $6::uuid),
    verify_results = array_append(verify_results, case when code_hash = $5 then 'accepted' else 'wrong_code' end),
    update_time = $4
where account_id = $1 and challenge_id = $2 and device_id = $3 and session_id is not distinct from $7
  and state = 'pending' and expire_time > $4 and attempts_left > 0 and code_hash is not null
  and not ($6 = any(verify_request_ids))
returning {_CHALLENGE}"""

DECIDE: Final = f"""/* challenge.decide: a household device's answer, given once */
update challenge
set state = $4, code_hash = null, sealed_code = null, deciding_device_id = $3, update_time = $5
where account_id = $1 and challenge_id = $2 and device_id <> $3
  and state = 'pending' and expire_time > $5
  and ($4 <> 'approved' or channel = 'trusted_device')
returning {_CHALLENGE}"""

WATCHED: Final = """/* challenge.watched: what may have changed about challenges that are being watched */
select c.account_id, c.challenge_id, c.state, c.attempts_left, max(d.update_time) as delivery_time
from challenge c
left join delivery d on d.account_id = c.account_id and d.challenge_id = c.challenge_id and d.account_id = any($1)
where c.account_id = any($1) and c.challenge_id = any($2)
group by c.account_id, c.challenge_id"""

ANNOUNCE: Final = """/* challenge.announce: hints to the other replicas */
select pg_notify($1, hint) from unnest($2::text[]) hint"""

CHARGE_FAILURE: Final = """/* challenge.charge_failure: count a guess before it is made; no row: none is left */
insert into failure_budget as b (account_id, purpose, failure_times, last_failure_time, consecutive_failures)
values ($1, $2, array[$3::timestamptz], $3, 1)
on conflict (account_id, purpose) do update
set last_failure_time = greatest(excluded.last_failure_time, b.last_failure_time + interval '1 microsecond'),
    failure_times = trim_array(
        array_prepend(
            greatest(excluded.last_failure_time, b.last_failure_time + interval '1 microsecond'), b.failure_times),
        greatest(cardinality(b.failure_times) + 1 - $4::int, 0)),
    consecutive_failures = b.consecutive_failures + 1
where (b.failure_times[$4::int] is null or b.failure_times[$4::int] <= $5)
  and (b.consecutive_failures < $6 or b.last_failure_time <= $7)
returning last_failure_time"""

SETTLE_FAILURE: Final = """/* challenge.settle_failure: take back a guess that was right ($4) or was not made */
update failure_budget
set failure_times = array_remove(failure_times, $3),
    consecutive_failures = case when $4 then 0 else greatest(consecutive_failures - 1, 0) end
where account_id = $1 and purpose = $2"""

CHARGE_ACCOUNT: Final = """/* challenge.charge_account: count an account's send, locking it; no row: too many */
insert into account_send_window as w (account_id, kind, send_times, last_send_time)
values ($1, $2, array[$3::timestamptz], $3)
on conflict (account_id, kind) do update
set last_send_time = greatest(excluded.last_send_time, w.last_send_time + interval '1 microsecond'),
    send_times = trim_array(
        array_prepend(greatest(excluded.last_send_time, w.last_send_time + interval '1 microsecond'), w.send_times),
        greatest(cardinality(w.send_times) + 1 - $4::int, 0))
where w.send_times[$4::int] is null or w.send_times[$4::int] <= $5
returning last_send_time"""

ACCOUNT_OLDEST: Final = """/* challenge.account_oldest: the send that leaves an account's window first */
select send_times[$3::int] from account_send_window where account_id = $1 and kind = $2"""

CHARGE_DESTINATION: Final = """/* challenge.charge_destination: count a send to a destination; no row: too many */
insert into destination_send_window as w (destination_hash, send_times, last_send_time)
values ($1, array[$2::timestamptz], $2)
on conflict (destination_hash) do update
set last_send_time = greatest(excluded.last_send_time, w.last_send_time + interval '1 microsecond'),
    send_times = trim_array(
        array_prepend(greatest(excluded.last_send_time, w.last_send_time + interval '1 microsecond'), w.send_times),
        greatest(cardinality(w.send_times) + 1 - $3::int, 0))
where w.send_times[$3::int] is null or w.send_times[$3::int] <= $4
returning last_send_time"""

DESTINATION_OLDEST: Final = """/* challenge.destination_oldest: the send that leaves a destination's window first */
select send_times[$2::int] from destination_send_window where destination_hash = $1"""

REFUND_DESTINATION: Final = """/* challenge.refund_destination: take back a send that was not made */
update destination_send_window set send_times = array_remove(send_times, $2) where destination_hash = $1"""

CHARGE_BUCKET: Final = """/* challenge.charge_bucket: fill a bucket by a cost; no row: it does not hold that */
insert into rate_bucket as b (bucket_hash, full_time)
values ($1, $2::timestamptz + $3::interval)
on conflict (bucket_hash) do update
set full_time = greatest(b.full_time, $2) + $3
where greatest(b.full_time, $2) + $3 <= $2 + $4::interval
returning full_time"""

BUCKET_TIME: Final = (
    "/* challenge.bucket_time: when it is empty */ select full_time from rate_bucket where bucket_hash = $1"
)

REFUND_BUCKET: Final = """/* challenge.refund_bucket: take back what was not used */
update rate_bucket set full_time = full_time - $2::interval where bucket_hash = $1"""

CHARGE_PHONE_RANGE: Final = """/* challenge.charge_phone_range: count a code, or stop the range; no row: stopped */
insert into phone_range as r (range_hash, window_start, sent_count, verified_count)
values ($1, $2::timestamptz, 1, 0)
on conflict (range_hash) do update
set window_start = case when r.stopped_until is not null or r.window_start <= $3 then $2 else r.window_start end,
    sent_count = case when r.stopped_until is not null or r.window_start <= $3 then 1 else r.sent_count + 1 end,
    verified_count = case when r.stopped_until is not null or r.window_start <= $3 then 0 else r.verified_count end,
    stopped_until = case
        when r.stopped_until is null and r.window_start > $3
             and r.sent_count + 1 >= $4 and r.verified_count < $5::float8 * (r.sent_count + 1)
        then $6::timestamptz end
where r.stopped_until is null or r.stopped_until <= $2
returning stopped_until"""

PHONE_RANGE_STOPPED: Final = """/* challenge.phone_range_stopped: until when a range is stopped */
select stopped_until from phone_range where range_hash = $1"""

REFUND_PHONE_RANGE: Final = """/* challenge.refund_phone_range: take back a code that was not sent */
update phone_range set sent_count = greatest(sent_count - 1, 0) where range_hash = $1"""

COUNT_VERIFIED: Final = """/* challenge.count_verified: a code sent to these ranges was entered */
update phone_range set verified_count = verified_count + 1 where range_hash = any($1::bytea[])"""

ANSWER_REQUEST: Final = """/* challenge.answer_request: keep an answer that a repeat would not get by itself */
update request set answer = $3 where account_id = $1 and request_id = $2"""

EXPIRE_CHALLENGES: Final = """/* challenge.expire_challenges: clear the codes of challenges whose time has run out */
update challenge
set state = 'expired', code_hash = null, sealed_code = null, update_time = $1
where state = 'pending' and expire_time <= $1"""
