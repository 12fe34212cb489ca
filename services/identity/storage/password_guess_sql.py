"""Statements on guessed passwords; see ``sql`` for the habits they share.

``password_guess`` is not of an account: its key is a hash, also on Citus.
"""

from __future__ import annotations

from typing import Final

from libs.persistence.privacy import erase_rows
from services.identity.storage.member_sql import ACCOUNT_MORE, MEMBERSHIP

FIND_SIGN_IN: Final = f"""
/* identity.find_sign_in: an account, what its password is checked against, and what it knows of the device */
select a.account_id, a.state, a.country_code, a.language, a.email_taken, a.move_source_account_id, a.move_profile_id,
       a.create_time, p.plan_id, p.max_streams, p.max_download_devices, p.extra_member_slots, {ACCOUNT_MORE},
       c.password_hash, c.version, c.set_time, coalesce(c.set_device_id = $2, false) as set_it,
       exists (select from password_reset_demand d where d.account_id = $1 and d.settle_time is null) as reset_required,
       s.state as session_state, s.end_reason, s.create_time as session_create_time
from account a
join plan p on p.plan_id = a.plan_id
{MEMBERSHIP}
left join credential c on c.account_id = a.account_id and c.account_id = $1
left join lateral (
    select state, end_reason, create_time from session
    where account_id = $1 and device_id = $2
    order by create_time desc, session_id desc
    limit 1
) s on true
where a.account_id = $1
"""

_COUNTER: Final = "guess_hash, holder, begin_time, attempts, cleared, full_time"

SPEND_GUESS: Final = f"""
/* identity.spend_guess: one guess, before anything is compared; no row: none is left */
insert into password_guess as g ({_COUNTER})
values ($2, $3, $1::timestamptz, 1, 0, $1::timestamptz + $4::interval)
on conflict (guess_hash, holder) do update
set attempts = g.attempts + 1, full_time = greatest(g.full_time, $1::timestamptz) + $4::interval
where greatest(g.full_time, $1::timestamptz) + $4::interval <= $1::timestamptz + $5::interval
  and g.attempts - g.cleared < $6::bigint
returning {_COUNTER}
"""

SPEND_GUESS_OF_NETWORK: Final = f"""
/* identity.spend_guess_of_network: the same, and one of a network's; a row for each that has one left */
insert into password_guess as g ({_COUNTER})
values ($2, $3, $1::timestamptz, 1, 0, $1::timestamptz + $4::interval),
       ($7, $8, $1::timestamptz, 1, 0, $1::timestamptz + $9::interval)
on conflict (guess_hash, holder) do update
set attempts = g.attempts + 1,
    full_time = greatest(g.full_time, $1::timestamptz)
                + (case when g.holder = $8 then $9::interval else $4::interval end)
where case
    when g.holder = $8
    then greatest(g.full_time, $1::timestamptz) + $9::interval <= $1::timestamptz + $10::interval
    else greatest(g.full_time, $1::timestamptz) + $4::interval <= $1::timestamptz + $5::interval
         and g.attempts - g.cleared < $6::bigint
end
returning {_COUNTER}
"""

FIND_GUESSES: Final = f"""
/* identity.find_guesses: how a counter stands, to say until when */
select {_COUNTER} from password_guess where guess_hash = $1 and holder = $2
"""

GIVE_GUESS_BACK: Final = """
/* identity.give_guess_back: a guess at which nothing was compared, or that the network has no part in */
update password_guess set cleared = cleared + 1, full_time = full_time - $5::interval
where guess_hash = $1 and holder = $2 and begin_time = $3 and cleared < $4
"""

FORGET_GUESSES: Final = """
/* identity.forget_guesses: a password was right, and no guess came after it */
delete from password_guess where guess_hash = $1 and holder = $2 and begin_time = $3 and attempts = $4
"""

CLEAR_GUESSES: Final = """
/* identity.clear_guesses: a password was right; those that came after it still count */
update password_guess
set cleared = greatest(cleared, $4), full_time = least(full_time, $5::timestamptz + (attempts - $4) * $6::interval)
where guess_hash = $1 and holder = $2 and begin_time = $3 and attempts > $4
"""

FORGET_GUESSES_OF_ADDRESSES: Final = """
/* identity.forget_guesses_of_addresses: a new password was set; on Citus this asks every shard, which is rare enough */
delete from password_guess where guess_hash in (select email_hash from email_address where account_id = $1)
"""

FORGET_GUESSES_OF_ACCOUNT: Final = """
/* identity.forget_guesses_of_account: a new password was set */
delete from password_guess where guess_hash = any($1::bytea[])
"""

NOTE_PASSWORD_DEVICE: Final = """
/* identity.note_password_device: the device that proved the code for this password; none where none did */
update credential set set_device_id = $2 where account_id = $1
"""

ERASE_GUESSES_OF_ADDRESSES: Final = erase_rows(
    "identity",
    "password_guess",
    "guess_hash, holder",
    where="guess_hash in (select email_hash from email_address where account_id = $1)",
)
ERASE_GUESSES_OF_ACCOUNT: Final = erase_rows(
    "identity", "password_guess", "guess_hash, holder", where="guess_hash = any($1::bytea[])"
)
