"""Statements for plans that were made smaller while more streams ran than they have."""

from __future__ import annotations

from typing import Final

IN_THE_WAY: Final = """(select count(*) from slot o
       where o.account_id = $1 and o.n <> s.n and o.expire_time > $7
         and (s.expire_time <= $7 or (o.start_time, o.n) < (s.start_time, s.n)))"""
"""How many running streams go before slot ``s``'s at $7: the older ones; all of them where its own lease has ended."""

COUNT_IN_THE_WAY: Final = f"""
/* gateway.count_in_the_way: how many streams go before one, where the plan may be too small for it */
select {IN_THE_WAY.replace("$7", "$3")} from slot s where s.account_id = $1 and s.stream_id = $2
"""

HAS_SURPLUS: Final = """
/* gateway.has_surplus: whether streams run beyond the slots of the plan */
select exists (select from slot where account_id = $1 and n > $2 and expire_time > $3)
"""

LOCK_SLOTS: Final = """
/* gateway.lock_slots: hold all of an account's slots, in one order, so that they can be counted */
select n from slot where account_id = $1 order by n for update
"""

CLAIM_BESIDE_SURPLUS: Final = """
/* gateway.claim_beside_surplus: take a free slot while fewer streams run than the plan has; only under lock_slots */
update slot s
set stream_id = $3, session_id = $4, device_id = $5, device_name = $6, profile_id = $7, title_id = $8,
    start_time = $9, expire_time = $10, fence = s.fence + 1
where s.account_id = $1
  and s.n = (select q.n from slot q where q.account_id = $1 and q.expire_time <= $9 and q.n <= $11 order by q.n limit 1)
  and (select count(*) from slot w where w.account_id = $1 and w.expire_time > $9) < $11
  and exists (select 1 from admission a where a.account_id = $1 and a.epoch = $2)
returning s.fence
"""
