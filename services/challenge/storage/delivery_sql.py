"""Every statement on deliveries; see ``sql`` for the habits they share."""

from __future__ import annotations

from typing import Final

_DELIVERY: Final = (
    "delivery_id, challenge_id, message_id, channel, state, attempt_count, update_time, provider, last_failure"
)

_TOKENS: Final = "array['sealed_disown_token', 'sealed_invitation']"
"""What a message's links open: not kept once it is sent, or will not be."""

INSERT_DELIVERY: Final = """/* challenge.insert_delivery: a message to be sent */
insert into delivery (
    account_id, delivery_id, challenge_id, message_id, kind, channel, state, language, parameters,
    sealed_destination, next_attempt_time, create_time, expire_time, update_time, last_failure)
values ($1, $2, $3, $4, $5, $6, $12, $7, $8::jsonb, $9, $10, $10, $11, $10, $13)"""

FIND_DELIVERY: Final = f"""/* challenge.find_delivery: one message of an account */
select {_DELIVERY} from delivery where account_id = $1 and delivery_id = $2"""

LIST_DELIVERIES: Final = f"""/* challenge.list_deliveries: the messages of an account's challenges, oldest first */
select {_DELIVERY} from delivery where account_id = $1 and challenge_id = any($2::uuid[])
order by create_time, delivery_id"""

DUE: Final = """/* challenge.due: messages that wait to be sent; read without a lock */
select account_id, delivery_id from delivery
where state = 'queued' and next_attempt_time <= $1
order by next_attempt_time
limit $2"""

CLAIM: Final = """/* challenge.claim: take due messages on a lease, each by one worker, with the codes they carry */
update delivery d
set attempt_count = d.attempt_count + 1, next_attempt_time = $4, update_time = $3
from (select q.account_id, q.delivery_id, h.sealed_code, h.state, h.expire_time
      from delivery q
      left join challenge h
        on h.account_id = any($1::uuid[]) and h.account_id = q.account_id and h.challenge_id = q.challenge_id
      where q.account_id = any($1::uuid[]) and q.delivery_id = any($2::uuid[])
        and q.state = 'queued' and q.next_attempt_time <= $3
      for update of q skip locked) c
where d.account_id = any($1::uuid[]) and d.account_id = c.account_id and d.delivery_id = c.delivery_id
returning d.account_id, d.delivery_id, d.challenge_id, d.message_id, d.kind, d.channel, d.language, d.parameters,
          d.sealed_destination, d.attempt_count, d.expire_time,
          case when c.state = 'pending' and c.expire_time > $3 then c.sealed_code end as sealed_code"""

MARK_ACCEPTED: Final = f"""/* challenge.mark_accepted: providers took these messages, whoever's lease it was */
update delivery d
set state = 'accepted', sealed_destination = null, parameters = d.parameters - {_TOKENS},
    provider_reference = c.reference, provider = c.provider,
    update_time = $5
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) c (account_id, delivery_id, reference, provider)
where d.account_id = any($1::uuid[]) and d.account_id = c.account_id and d.delivery_id = c.delivery_id
  and d.state = 'queued'"""

MARK_OVER: Final = f"""/* challenge.mark_over: the message will not be sent */
update delivery
set state = $4, sealed_destination = null, parameters = parameters - {_TOKENS},
    last_failure = $5, update_time = $6
where account_id = $1 and delivery_id = $2 and state = 'queued' and attempt_count = $3"""

MARK_FAILED: Final = """/* challenge.mark_failed: this attempt failed; another one comes */
update delivery
set next_attempt_time = $4, last_failure = $5, update_time = $6
where account_id = $1 and delivery_id = $2 and state = 'queued' and attempt_count = $3"""

REPORT: Final = f"""/* challenge.report: a provider's word on a message; the first final word stays */
update delivery
set state = $3, sealed_destination = null, parameters = parameters - {_TOKENS},
    update_time = $4
where account_id = $1 and delivery_id = $2 and state in ('queued', 'accepted', 'expired')
returning {_DELIVERY}"""

DEAD_LETTERS: Final = f"""/* challenge.dead_letters: messages that were given up, of every account, newest first */
select account_id, kind, create_time, {_DELIVERY} from delivery
where state in ('bounced', 'expired') and update_time >= $1
order by update_time desc, delivery_id
limit $2"""

TAKE_RECEIPT: Final = """/* challenge.take_receipt: a provider's word, and the message, where it is known */
insert into provider_message as m (reference_hash, state, create_time)
values ($1, $2, $3)
on conflict (reference_hash) do update set state = coalesce(m.state, excluded.state)
returning account_id, delivery_id"""

SUPPRESS: Final = """/* challenge.suppress: send no notices there for a time */
insert into suppression as s (destination_hash, kind, reason, create_time, expire_time)
values ($1, $2, $3, $4, $5)
on conflict (destination_hash, kind) do update
set reason = excluded.reason, expire_time = greatest(s.expire_time, excluded.expire_time)"""

SUPPRESSED: Final = """/* challenge.suppressed: why a notice of a kind is not sent there; no row: it is */
select reason from suppression
where destination_hash = $1 and kind in ('', $2) and expire_time > $3
order by kind limit 1"""

HEAL: Final = """/* challenge.heal: these addresses are alive after all */
delete from suppression where destination_hash = any($1::bytea[]) and kind = ''"""
