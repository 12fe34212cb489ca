"""The statement that ends codes whose contact is gone; see ``sql`` for the habits it shares."""

from __future__ import annotations

from typing import Final

END_OTHERS: Final = """/* challenge.end_others: end pending codes that went to none of an account's present contacts */
update challenge
set state = case when expire_time > $4 then 'superseded' else 'expired' end,
    code_hash = null, sealed_code = null, update_time = $4
where account_id = $1 and state = 'pending' and purpose = any($2::text[])
  and destination_hash is not null and destination_hash <> all($3::bytea[])
returning challenge_id"""
