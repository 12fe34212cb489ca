"""What the challenge service holds about an account: the statements that export it, and those that delete it.

Limits by network and by range of numbers are nobody's: they count everybody there, and are over within hours.
"""

from __future__ import annotations

from typing import Final

from libs.persistence.privacy import erase_rows

EXPORT_CHALLENGES: Final = """/* challenge.export_challenges: a page of proofs that were asked for */
select challenge_id, purpose, channel, state, device_id, device_kind, device_platform, device_name, country_code,
       language, masked_destination, attempts_left, deciding_device_id, create_time, expire_time, update_time
from challenge where account_id = $1 and challenge_id > $3 order by challenge_id limit $2"""

EXPORT_DELIVERIES: Final = """/* challenge.export_deliveries: a page of messages, without codes and destinations */
select delivery_id, challenge_id, kind, channel, state, language, parameters, provider, attempt_count, last_failure,
       create_time, expire_time, update_time
from delivery where account_id = $1 and delivery_id > $3 order by delivery_id limit $2"""

EXPORT_FAILURES: Final = """/* challenge.export_failures: a page of when wrong codes were entered */
select purpose, failure_times, last_failure_time, consecutive_failures
from failure_budget where account_id = $1 and purpose > $3 order by purpose limit $2"""

EXPORT_SENDS: Final = """/* challenge.export_sends: a page of when messages and questions were sent */
select kind, send_times, last_send_time
from account_send_window where account_id = $1 and kind > $3 order by kind limit $2"""

EXPORT_SUPPRESSIONS: Final = """/* challenge.export_suppressions: a page of notices that an owner does not get */
select destination_hash, kind, reason, create_time, expire_time
from suppression where destination_hash = any($1::bytea[]) and (destination_hash, kind) > ($3, $4)
order by destination_hash, kind limit $2"""

_OF_CONTACTS: Final = "destination_hash = any($1::bytea[])"

LIST_CODE_DESTINATIONS: Final = """/* challenge.list_code_destinations: under which hashes an account's codes went */
select distinct destination_hash from challenge where account_id = $1 and destination_hash is not null"""

ERASE_CHALLENGES: Final = erase_rows("challenge", "challenge", "account_id, challenge_id")
ERASE_DELIVERIES: Final = erase_rows("challenge", "delivery", "account_id, delivery_id")
ERASE_FAILURES: Final = erase_rows("challenge", "failure_budget", "account_id, purpose")
ERASE_SENDS: Final = erase_rows("challenge", "account_send_window", "account_id, kind")
ERASE_REQUESTS: Final = erase_rows("challenge", "request", "account_id, request_id")
ERASE_PROVIDER_MESSAGES: Final = erase_rows("challenge", "provider_message", "reference_hash")
ERASE_DESTINATIONS: Final = erase_rows("challenge", "destination_send_window", "destination_hash", where=_OF_CONTACTS)
ERASE_SUPPRESSIONS: Final = erase_rows("challenge", "suppression", "destination_hash, kind", where=_OF_CONTACTS)

FIND_REQUEST: Final = """/* challenge.find_request: what a request id has made, or was answered; is_erased: too late */
select r.rpc, r.body_digest, r.challenge_id, r.delivery_id, r.answer,
       exists (select from erased_account where account_hash = $3) as is_erased
from (select 1) always left join request r on r.account_id = $1 and r.request_id = $2"""

INSERT_REQUEST: Final = """/* challenge.insert_request: remember what a request id makes; no row: too late */
insert into request (account_id, request_id, rpc, body_digest, challenge_id, delivery_id, create_time)
select $1, $2, $3, $4, $5, $6, $7 where not exists (select from erased_account where account_hash = $8)"""

BEGIN_REQUEST: Final = """/* challenge.begin_request: remember a request; no row: it came before, or too late */
insert into request (account_id, request_id, rpc, body_digest, create_time)
select $1, $2, $3, $4, $5 where not exists (select from erased_account where account_hash = $6)
on conflict (account_id, request_id) do nothing
returning request_id"""

MARK_REFERENCE: Final = """/* challenge.mark_reference: which message a provider means, and an earlier receipt */
insert into provider_message as m (reference_hash, account_id, delivery_id, create_time)
select $1, $2, $3, $4 where not exists (select from erased_account where account_hash = $5)
on conflict (reference_hash) do update set account_id = excluded.account_id, delivery_id = excluded.delivery_id
returning state"""
