"""What identity holds about an account: the statements that export it, and those that delete it.

On Citus the statements on ``email_address`` and ``sign_up``, and those on the marks in other accounts' rows, ask every
shard; an erasure is rare enough for that. Each batch is to be a transaction of its own: run them on the database, never
within a transaction, which would hold rows of many accounts together. A chain is by its subject, which the account is
asked for first.
"""

from __future__ import annotations

from typing import Final

from libs.persistence.privacy import erase_rows

EXPORT_ACCOUNT: Final = """
/* identity.export_account: the account itself */
select account_id, state, plan_id, country_code, language, create_time, activate_time
from account where account_id = $1 limit $2
"""

EXPORT_CONTACTS: Final = """
/* identity.export_contacts: a page of where the owner is reached, to be opened */
select c.channel, c.sealed_destination, c.verify_time, k.wrapped_key
from contact c
left join contact_key k on k.account_id = c.account_id and k.account_id = $1
where c.account_id = $1 and c.channel > $3
order by c.channel
limit $2
"""

EXPORT_PASSWORD: Final = """
/* identity.export_password: that there is a password, since when, and on which device a code allowed it to be set */
select set_time, set_device_id from credential where account_id = $1 limit $2
"""

EXPORT_PROFILES: Final = """
/* identity.export_profiles: a page of profiles; of one that left, nothing of where it is now */
select profile_id, name, maturity_age, is_primary, kids, create_time, moved_to_account_id is not null as has_left,
       move_time as left_time
from profile where account_id = $1 and profile_id > $3 order by profile_id limit $2
"""

EXPORT_SESSIONS: Final = """
/* identity.export_sessions: a page of sign-ins, without anything of their tokens */
select session_id, device_id, state, end_reason, create_time, end_time, session_expire_time, refresh_expire_time
from session where account_id = $1 and session_id > $3 order by session_id limit $2
"""

EXPORT_PINS: Final = """
/* identity.export_pins: that a profile has a PIN, and since when */
select profile_id, set_time from profile_pin where account_id = $1 and profile_id > $3 order by profile_id limit $2
"""

EXPORT_DEMANDS: Final = """
/* identity.export_demands: when and why the password had to be reset */
select demand_id, reason, demand_time, settle_time
from password_reset_demand where account_id = $1 and demand_id > $3 order by demand_id limit $2
"""

EXPORT_CONTACT_CHANGES: Final = """
/* identity.export_contact_changes: a page of changes of address and number, to be opened */
select contact_id, channel, sealed_destination, sealed_former, create_time, done_time
from contact_change where account_id = $1 and contact_id > $3 order by contact_id limit $2
"""

EXPORT_APPROVERS: Final = """
/* identity.export_approvers: a page of the second adults, to be opened and masked: an address of somebody else's */
select approver_id, name, channel, sealed_destination, profile_id, create_time, verify_time
from approver where account_id = $1 and approver_id > $3 order by approver_id limit $2
"""

EXPORT_MEMBERS: Final = """
/* identity.export_members: a page of extra members; who they are is theirs to export */
select member_id, slot, state, invite_time, expire_time, accept_time, remove_time
from extra_member where account_id = $1 and member_id > $3 order by member_id limit $2
"""

EXPORT_MEMBERSHIP: Final = """
/* identity.export_membership: that the account is an extra member's; whose, is another person's account */
select state, host_state, host_quality from membership where account_id = $1 limit $2
"""

EXPORT_EVENTS: Final = """
/* identity.export_events: a page of a chain, without the pseudonyms, which mean nothing to a person */
select sequence, kind, event_time, details
from audit_event where subject_id = $1 and sequence > $3 order by sequence limit $2
"""

KEEP_CHAIN: Final = """
/* identity.keep_chain: nothing; the chain was closed, and made nameless, before the rows are deleted */
delete from audit_subject where account_id = $1 and $2 < 0
"""

ERASE_CONTACT_KEY: Final = erase_rows("identity", "contact_key", "account_id")
"""Without it no copy of the contacts opens, in a backup neither."""
ERASE_KEY_PROOFS: Final = erase_rows("identity", "spent_key_proof", "account_id, proof_digest")
ERASE_PINS: Final = erase_rows("identity", "profile_pin", "account_id, profile_id")
ERASE_DEMANDS: Final = erase_rows("identity", "password_reset_demand", "account_id, demand_id")
ERASE_CONTACT_CHANGES: Final = erase_rows("identity", "contact_change", "account_id, contact_id")
ERASE_APPROVERS: Final = erase_rows("identity", "approver", "account_id, approver_id")
ERASE_MEMBERS: Final = erase_rows("identity", "extra_member", "account_id, member_id")
ERASE_INVITATIONS: Final = erase_rows("identity", "invitation", "account_id, invite_digest")
ERASE_MEMBERSHIP: Final = erase_rows("identity", "membership", "account_id")
ERASE_PLACES: Final = erase_rows("identity", "extra_member", "account_id, member_id", where="member_account_id = $1")
"""The place that the erased account had on its host's plan."""
ERASE_MEMBERSHIPS: Final = erase_rows("identity", "membership", "account_id", where="host_account_id = $1")
"""Members of the erased account are without a plan from then on."""

ERASE_SPENT_TOKENS: Final = erase_rows("identity", "spent_refresh_token", "account_id, refresh_digest")
ERASE_SESSIONS: Final = erase_rows("identity", "session", "account_id, session_id")
ERASE_REQUESTS: Final = erase_rows("identity", "request", "account_id, request_id")
ERASE_PROFILES: Final = erase_rows("identity", "profile", "account_id, profile_id")
ERASE_CONTACTS: Final = erase_rows("identity", "contact", "account_id, channel")
ERASE_PASSWORD: Final = erase_rows("identity", "credential", "account_id")
ERASE_ADDRESSES: Final = erase_rows("identity", "email_address", "email_hash")
ERASE_SIGN_UPS: Final = erase_rows("identity", "sign_up", "request_id")
ERASE_ACCOUNT: Final = erase_rows("identity", "account", "account_id")

ERASE_MARKS_OF_PROFILES: Final = erase_rows(
    "identity", "profile", "account_id, profile_id", where="moving_to_account_id = $1 and moved_to_account_id = $1"
)
"""A profile that lives in the erased account left its name and id where it came from."""

FORGET_MAKING_OF_PROFILES: Final = """
/* identity.forget_making_of_profiles: that such a profile was made there, for a repeat that nobody sends any more */
delete from request
where (account_id, made_id) in
      (select account_id, profile_id from profile
       where moving_to_account_id = $1 and moved_to_account_id = $1 limit $2)
"""

UNBIND_MOVES: Final = """
/* identity.unbind_moves: profiles that were bound for an account that is erased stay where they are */
update profile set moving_to_account_id = null
where moving_to_account_id = $1 and (account_id, profile_id) in
      (select account_id, profile_id from profile where moving_to_account_id = $1 limit $2)
"""

FORGET_SOURCES: Final = """
/* identity.forget_sources: accounts to which a profile moved, or was to move, forget from where */
update account set move_source_account_id = null, move_profile_id = null
where move_source_account_id = $1 and account_id in
      (select account_id from account where move_source_account_id = $1 limit $2)
"""

OLD_SIGN_UPS: Final = """
/* identity.old_sign_ups: accounts that were never activated, over all accounts; read without a lock */
select account_id from account where state = 'PENDING' and create_time < $1 order by create_time limit $2
"""
