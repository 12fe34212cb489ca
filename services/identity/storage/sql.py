"""Every statement of the identity service. Each names the account on every relation; time is a parameter."""

from __future__ import annotations

from typing import Final

from services.identity.storage.member_sql import ACCOUNT_MORE, MEMBERSHIP

# Accounts and plans

FIND_ACCOUNT: Final = f"""
/* identity.find_account: an account with its plan */
select a.account_id, a.state, a.country_code, a.language, a.email_taken, a.move_source_account_id, a.move_profile_id,
       a.create_time, p.plan_id, p.max_streams, p.max_download_devices, p.extra_member_slots, {ACCOUNT_MORE}
from account a
join plan p on p.plan_id = a.plan_id
{MEMBERSHIP}
where a.account_id = $1
"""

LOCK_ACCOUNT: Final = """
/* identity.lock_account: an account's state, held against everybody else who would change things under it */
select state from account where account_id = $1 for no key update
"""

INSERT_ACCOUNT: Final = """
/* identity.insert_account: a pending account */
insert into account (account_id, state, plan_id, country_code, language, email_taken, move_source_account_id,
                     move_profile_id, create_time)
values ($1, 'PENDING', $2, $3, $4, $5, $6, $7, $8)
"""

ACTIVATE_ACCOUNT: Final = """
/* identity.activate_account: a pending account becomes usable */
update account set state = 'ACTIVE', activate_time = $2 where account_id = $1 and state = 'PENDING'
"""

SET_ACCOUNT_STATE: Final = """
/* identity.set_account_state: hold, reopen or close an account that was activated */
update account set state = $2 where account_id = $1 and state <> 'PENDING'
"""

LIST_PLANS: Final = """
/* identity.list_plans: the catalogue of plans */
select plan_id, max_streams, max_download_devices, extra_member_slots, quality, orderable from plan order by plan_id
"""

PLAN_EXISTS: Final = """
/* identity.plan_exists: whether a plan can be had */
select exists (select from plan where plan_id = $1)
"""

# Passwords

FIND_FIRST_CREDENTIAL: Final = """
/* identity.find_first_credential: what a password is checked against, while it is the one the account was made with */
select c.password_hash
from credential c
join account a on a.account_id = c.account_id and a.account_id = $1
where c.account_id = $1 and c.set_time = a.create_time
"""

PUT_CREDENTIAL: Final = """
/* identity.put_credential: an account's password, in place of the one before */
insert into credential (account_id, password_hash, set_time) values ($1, $2, $3)
on conflict (account_id) do update
set password_hash = excluded.password_hash, set_time = excluded.set_time, version = credential.version + 1
"""

# Contacts and addresses

INSERT_CONTACT: Final = """
/* identity.insert_contact: a way to reach an owner, not proved yet */
insert into contact (account_id, channel, sealed_destination) values ($1, $2, $3)
"""

LIST_CONTACTS: Final = """
/* identity.list_contacts: the ways to reach an owner, email first */
select channel, sealed_destination, verify_time is not null as verified
from contact
where account_id = $1
order by channel
"""

VERIFY_CONTACT: Final = """
/* identity.verify_contact: the owner has proved to receive there */
update contact set verify_time = $3 where account_id = $1 and channel = $2 and verify_time is null
"""

FIND_ADDRESS: Final = """
/* identity.find_address: the account that an address belongs to; all its hashes lead to the same one */
select account_id from email_address where email_hash = any($1::bytea[]) limit 1
"""

CLAIM_ADDRESS: Final = """
/* identity.claim_address: give an address to an account, unless it is another's */
insert into email_address (email_hash, account_id) values ($1, $2) on conflict (email_hash) do nothing
"""

# Profiles

LIST_PROFILES: Final = """
/* identity.list_profiles: the profiles that stand in an account now, the owner's first */
select f.profile_id, f.account_id, f.name, f.maturity_age, f.is_primary, f.kids, f.moving_to_account_id,
       f.moved_to_account_id,
       exists (select from profile_pin n where n.account_id = $1 and n.profile_id = f.profile_id) as pin_locked
from profile f
where f.account_id = $1 and f.moved_to_account_id is null
order by is_primary desc, create_time, profile_id
"""

FIND_PROFILE: Final = """
/* identity.find_profile: a profile of an account, or the mark that it left */
select f.profile_id, f.account_id, f.name, f.maturity_age, f.is_primary, f.kids, f.moving_to_account_id,
       f.moved_to_account_id,
       exists (select from profile_pin n where n.account_id = $1 and n.profile_id = f.profile_id) as pin_locked
from profile f
where f.account_id = $1 and f.profile_id = $2
"""

COUNT_PROFILES: Final = """
/* identity.count_profiles: how many profiles stand in an account, and whether one is the owner's */
select count(*) as profiles, coalesce(bool_or(is_primary), false) as has_primary
from profile
where account_id = $1 and moved_to_account_id is null
"""

INSERT_PROFILE: Final = """
/* identity.insert_profile: a new profile */
insert into profile (account_id, profile_id, name, maturity_age, is_primary, kids, create_time)
values ($1, $2, $3, $4, $5, $6, $7)
"""

BEGIN_MOVE: Final = """
/* identity.begin_move: bind a profile that may move to the one account that it may move to */
update profile f set moving_to_account_id = $3
where f.account_id = $1 and f.profile_id = $2 and f.moved_to_account_id is null and not f.is_primary
  and (f.moving_to_account_id = $3
       or f.moving_to_account_id is null
          and ($4 or not f.kids
               and not exists (select from profile_pin n where n.account_id = $1 and n.profile_id = f.profile_id)))
"""

MOVE_IN: Final = """
/* identity.move_in: a profile's copy in the account it joins; one that comes back takes its old place */
insert into profile (account_id, profile_id, name, maturity_age, is_primary, kids, create_time)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (account_id, profile_id) do update
set name = excluded.name, maturity_age = excluded.maturity_age, is_primary = excluded.is_primary, kids = excluded.kids,
    moving_to_account_id = null, moved_to_account_id = null, move_time = null
where profile.account_id = $1 and profile.moved_to_account_id = $8
"""

FINISH_MOVE: Final = """
/* identity.finish_move: the profile stands elsewhere from now on */
update profile set moved_to_account_id = $3, move_time = $4
where account_id = $1 and profile_id = $2 and moving_to_account_id = $3 and moved_to_account_id is null
"""

# Sessions

RESOLVE_SESSION: Final = f"""
/* identity.resolve_session: what stands behind a session token, a row for each profile; on each cold start */
select s.session_id, s.account_id, s.device_id, s.state as session_state, s.end_reason,
       s.create_time as session_create_time, s.refresh_expire_time, s.device_key,
       a.state, a.country_code, a.language, a.email_taken, a.move_source_account_id, a.move_profile_id, a.create_time,
       p.plan_id, p.max_streams, p.max_download_devices, p.extra_member_slots, {ACCOUNT_MORE},
       f.profile_id, f.name, f.maturity_age, f.is_primary, f.kids, f.moving_to_account_id, f.moved_to_account_id,
       exists (select from profile_pin n where n.account_id = $1 and n.profile_id = f.profile_id) as pin_locked
from session s
join account a on a.account_id = s.account_id and a.account_id = $1
join plan p on p.plan_id = a.plan_id
{MEMBERSHIP}
left join profile f on f.account_id = s.account_id and f.account_id = $1 and f.moved_to_account_id is null
where s.account_id = $1 and s.session_id = $2
order by f.is_primary desc, f.create_time, f.profile_id
"""

FIND_SESSION: Final = """
/* identity.find_session: a session by its id */
select session_id, account_id, device_id, state, end_reason, create_time, refresh_expire_time, device_key
from session
where account_id = $1 and session_id = $2
"""

INSERT_SESSION: Final = """
/* identity.insert_session: a device has signed in */
insert into session (account_id, session_id, device_id, state, create_time, session_expire_time, refresh_digest,
                     refresh_expire_time, device_key)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

REISSUE_TOKENS: Final = """
/* identity.reissue_tokens: fresh tokens for the session that a repeated request opened */
update session
set session_expire_time = $4, refresh_digest = $5, refresh_expire_time = $6
where account_id = $1 and session_id = $2 and state <> 'ENDED' and refresh_expire_time > $3
returning session_id, account_id, device_id, state, end_reason, create_time, refresh_expire_time, device_key
"""

FIND_REFRESHABLE: Final = """
/* identity.find_refreshable: the session whose refresh token this is now */
select session_id, account_id, device_id, state, end_reason, create_time, refresh_expire_time, device_key
from session
where account_id = $1 and refresh_digest = $2 and device_id = $3 and state <> 'ENDED' and refresh_expire_time > $4
"""

EXCHANGE_TOKENS: Final = """
/* identity.exchange_tokens: a fresh refresh token in place of the old one; of two at once only one finds the row */
update session
set session_expire_time = $5, refresh_digest = $6, refresh_expire_time = $7
where account_id = $1 and refresh_digest = $2 and device_id = $3 and state <> 'ENDED' and refresh_expire_time > $4
returning session_id, account_id, device_id, state, end_reason, create_time, refresh_expire_time, device_key
"""

INSERT_SPENT_REFRESH: Final = """
/* identity.insert_spent_refresh: remember a refresh token that was exchanged, and for which one */
insert into spent_refresh_token (account_id, refresh_digest, session_id, spend_time, request_id, next_digest)
values ($1, $2, $3, $4, $5, $6)
"""

FIND_SPENT_REFRESH: Final = """
/* identity.find_spent_refresh: how a refresh token was exchanged, and the session as it is by now */
select t.spend_time, t.request_id, t.next_digest, s.refresh_digest as current_digest,
       s.session_id, s.account_id, s.device_id, s.state, s.end_reason, s.create_time, s.refresh_expire_time,
       s.device_key
from spent_refresh_token t
join session s on s.account_id = t.account_id and s.account_id = $1 and s.session_id = t.session_id
where t.account_id = $1 and t.refresh_digest = $2
"""

INSERT_SPENT_PROOF: Final = """
/* identity.insert_spent_proof: take a device key's signature, unless it was taken before */
insert into spent_key_proof (account_id, proof_digest, session_id, spend_time)
values ($1, $2, $3, $4)
on conflict (account_id, proof_digest) do nothing
"""

LIFT_RESTRICTION: Final = """
/* identity.lift_restriction: a restricted session becomes a full one */
update session set state = 'LIVE'
where account_id = $1 and session_id = $2 and state <> 'ENDED' and refresh_expire_time > $3
returning session_id, account_id, device_id, state, end_reason, create_time, refresh_expire_time, device_key
"""

END_SESSION: Final = """
/* identity.end_session: end one session */
update session set state = 'ENDED', end_reason = $2, end_time = $3
where account_id = $1 and state <> 'ENDED' and refresh_expire_time > $3 and session_id = $4
"""

END_DEVICE_SESSIONS: Final = """
/* identity.end_device_sessions: end those of a device */
update session set state = 'ENDED', end_reason = $2, end_time = $3
where account_id = $1 and state <> 'ENDED' and refresh_expire_time > $3 and device_id = $4
"""

END_ALL_SESSIONS: Final = """
/* identity.end_all_sessions: end all of them, or all but one */
update session set state = 'ENDED', end_reason = $2, end_time = $3
where account_id = $1 and state <> 'ENDED' and refresh_expire_time > $3 and ($4::uuid is null or session_id <> $4)
"""

FREE_DEVICE: Final = """
/* identity.free_device: end what a device had, run out or not, before it signs in again */
update session set state = 'ENDED', end_reason = $3, end_time = $4
where account_id = $1 and device_id = $2 and state <> 'ENDED'
"""

# Requests that may be repeated

CLAIM_REQUEST: Final = """
/* identity.claim_request: note what a request makes, unless it was seen before */
insert into request (account_id, request_id, method, fingerprint, made_id, create_time)
values ($1, $2, $3, $4, $5, $6)
on conflict (account_id, request_id) do nothing
"""

FIND_REQUEST: Final = """
/* identity.find_request: what an earlier request with this id made */
select fingerprint, made_id from request where account_id = $1 and request_id = $2
"""

CLAIM_SIGN_UP: Final = """
/* identity.claim_sign_up: note which account a sign-up makes, unless it was seen before */
insert into sign_up (request_id, account_id, fingerprint, create_time)
values ($1, $2, $3, $4)
on conflict (request_id) do nothing
"""

FIND_SIGN_UP: Final = """
/* identity.find_sign_up: which account an earlier sign-up with this id made */
select fingerprint, account_id as made_id from sign_up where request_id = $1
"""
