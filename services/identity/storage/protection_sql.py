"""Statements on demanded password resets; see ``sql`` for the habits they share."""

from __future__ import annotations

from typing import Final

FIND_CREDENTIAL_STATE: Final = """
/* identity.find_credential_state: what a password is checked against, which it is, and whether to be reset */
select c.password_hash, c.version,
       exists (select from password_reset_demand d where d.account_id = $1 and d.settle_time is null) as reset_required
from credential c where c.account_id = $1
"""

INSERT_DEMAND: Final = """
/* identity.insert_demand: a reset is demanded; one that was demanded before stays as it is */
insert into password_reset_demand (account_id, demand_id, reason, demand_time) values ($1, $2, $3, $4)
on conflict (account_id, demand_id) do nothing
"""

DEMAND_SETTLED: Final = """
/* identity.demand_settled: whether a new password was set since this demand */
select settle_time is not null from password_reset_demand where account_id = $1 and demand_id = $2
"""

SETTLE_DEMANDS: Final = """
/* identity.settle_demands: a new password was set */
update password_reset_demand set settle_time = $2 where account_id = $1 and settle_time is null
"""

END_SESSIONS_BUT_DEVICES: Final = """
/* identity.end_sessions_but_devices: end all sessions but those of some devices */
update session set state = 'ENDED', end_reason = $2, end_time = $3
where account_id = $1 and state <> 'ENDED' and refresh_expire_time > $3 and device_id <> all($4::text[])
"""
