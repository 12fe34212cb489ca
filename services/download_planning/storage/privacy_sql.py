"""What download_planning holds about an account: the statements that export it, and those that delete it."""

from __future__ import annotations

from typing import Final

from libs.persistence.privacy import erase_rows

EXPORT_VIEWING: Final = """
/* download_planning.export_viewing: a page of what was watched */
select v.profile_id, v.viewing_id, v.title_id, v.device_id, v.state, v.position_ms, v.event_time, v.record_time
from viewing v
where v.account_id = $1 and (v.profile_id, v.viewing_id) > ($3, $4)
order by v.profile_id, v.viewing_id
limit $2
"""

EXPORT_MY_LIST: Final = """
/* download_planning.export_my_list: a page of the titles that viewers keep for later */
select l.profile_id, l.title_id, l.add_time
from my_list l
where l.account_id = $1 and (l.profile_id, l.title_id) > ($3, $4)
order by l.profile_id, l.title_id
limit $2
"""

ERASE_MY_LIST: Final = erase_rows("download_planning", "my_list", "account_id, profile_id, title_id")

EXPORT_SETTINGS: Final = """
/* download_planning.export_settings: a page of what viewers chose for devices */
select s.profile_id, s.device_id, s.platform, s.downloads_for_you, s.smart_downloads, s.budget_bytes,
       s.allow_mobile_data, s.update_time
from download_settings s
where s.account_id = $1 and (s.profile_id, s.device_id) > ($3, $4)
order by s.profile_id, s.device_id
limit $2
"""

EXPORT_PLANS: Final = """
/* download_planning.export_plans: a page of the newest plans of devices */
select w.profile_id, w.device_id, w.is_withdrawn, w.plan
from wanted_state w
where w.account_id = $1 and (w.profile_id, w.device_id) > ($3, $4)
order by w.profile_id, w.device_id
limit $2
"""

EXPORT_EXPLANATIONS: Final = """
/* download_planning.export_explanations: a page of plans with what was considered for them */
select e.plan_id, e.profile_id, e.device_id, e.explanation
from plan_explanation e
where e.account_id = $1 and e.plan_id > $3
order by e.plan_id
limit $2
"""

ERASE_ACCOUNT: Final = erase_rows("download_planning", "download_account", "account_id")
ERASE_VIEWING: Final = erase_rows("download_planning", "viewing", "account_id, profile_id, viewing_id")
ERASE_SETTINGS: Final = erase_rows("download_planning", "download_settings", "account_id, profile_id, device_id")
ERASE_PLANS: Final = erase_rows("download_planning", "wanted_state", "account_id, profile_id, device_id")
ERASE_EXPLANATIONS: Final = erase_rows("download_planning", "plan_explanation", "account_id, plan_id")

INSERT_VIEWINGS: Final = """
/* download_planning.insert_viewings: what a profile watched; a viewing id that is there already is passed over, and so
   is everything of an account that was erased */
insert into viewing (account_id, profile_id, viewing_id, title_id, device_id, state, position_ms, event_time,
                     record_time)
select $1, $2, r.viewing_id, r.title_id, r.device_id, r.state, r.position_ms, r.event_time, $3
from unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::timestamptz[])
     as r(viewing_id, title_id, device_id, state, position_ms, event_time)
where not exists (select from erased_account where account_hash = $10)
on conflict (account_id, profile_id, viewing_id) do nothing
returning viewing_id
"""

DELETE_PROFILE_EXPLANATIONS: Final = """
/* download_planning.delete_profile_explanations: the plans of a profile that has left the account */
delete from plan_explanation where account_id = $1 and profile_id = $2
"""
