"""The statements of PINs and of the way back for a profile that moved, each within one account."""

from __future__ import annotations

from typing import Final

PUT_PIN: Final = """
/* identity.put_pin: a profile's PIN, in place of the one before, with all its attempts */
insert into profile_pin (account_id, profile_id, pin_hash, set_time, attempts, window_time)
values ($1, $2, $3, $4, 0, $4)
on conflict (account_id, profile_id) do update
set pin_hash = excluded.pin_hash, set_time = excluded.set_time, attempts = 0, window_time = excluded.window_time
"""

DELETE_PIN: Final = """
/* identity.delete_pin: take a profile's PIN away */
delete from profile_pin where account_id = $1 and profile_id = $2
"""

SPEND_PIN_ATTEMPT: Final = """
/* identity.spend_pin_attempt: one attempt at a PIN, before anything is compared; no row: none is left, or no PIN */
update profile_pin
set attempts = (case when window_time <= $4 then 1 else attempts + 1 end),
    window_time = (case when window_time <= $4 then $3 else window_time end)
where account_id = $1 and profile_id = $2 and (attempts < $5 or window_time <= $4)
returning pin_hash, attempts
"""

GIVE_PIN_ATTEMPT_BACK: Final = """
/* identity.give_pin_attempt_back: an attempt at which nothing was compared */
update profile_pin set attempts = attempts - 1 where account_id = $1 and profile_id = $2 and attempts > 0
"""

CLEAR_PIN_ATTEMPTS: Final = """
/* identity.clear_pin_attempts: the PIN was right */
update profile_pin set attempts = 0 where account_id = $1 and profile_id = $2 and pin_hash = $3
"""

FIND_PIN_WINDOW: Final = """
/* identity.find_pin_window: since when the attempts at a PIN are counted */
select window_time from profile_pin where account_id = $1 and profile_id = $2
"""

WAS_RETURNED: Final = """
/* identity.was_returned: whether a profile went back from here */
select exists (select from profile where account_id = $1 and profile_id = $2 and return_time is not null)
"""

TAKE_HOME: Final = """
/* identity.take_home: a profile stands where it came from again, as it is now; or does not leave after all */
update profile
set name = $4, maturity_age = $5, moving_to_account_id = null, moved_to_account_id = null, move_time = null
where account_id = $1 and profile_id = $2
  and (moved_to_account_id = $3 or moved_to_account_id is null and moving_to_account_id = $3)
"""

GO_HOME: Final = """
/* identity.go_home: mark a profile as gone back, whether or not it ever came; no row: it is marked already */
insert into profile as p (account_id, profile_id, name, maturity_age, is_primary, kids, create_time,
                          moving_to_account_id, moved_to_account_id, move_time, return_time)
values ($1, $2, $4, $5, false, $6, $7, $3, $3, $7, $7)
on conflict (account_id, profile_id) do update
set is_primary = false, moving_to_account_id = $3, moved_to_account_id = $3, move_time = $7, return_time = $7
where p.moved_to_account_id is null
returning p.profile_id
"""

RELEASE_ADDRESS: Final = """
/* identity.release_address: an account that was closed as its viewer went back needs its address no more */
delete from email_address where email_hash = any($1::bytea[]) and account_id = $2
"""

INSERT_FRESH: Final = """
/* identity.insert_fresh: the profile that is left in place of one that went back */
insert into profile (account_id, profile_id, name, maturity_age, is_primary, kids, create_time)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (account_id, profile_id) do nothing
"""
