"""The statements of profiles' lists, each within one account."""

from __future__ import annotations

from typing import Final

ADD_ITEMS: Final = """
/* download_planning.add_items: put titles on a profile's list; one that is there keeps its time */
insert into my_list (account_id, profile_id, title_id, add_time)
select $1, $2, r.title_id, r.add_time from unnest($3::text[], $4::timestamptz[]) as r(title_id, add_time)
on conflict (account_id, profile_id, title_id) do nothing
"""

REMOVE_ITEMS: Final = """
/* download_planning.remove_items: take titles off a profile's list */
delete from my_list where account_id = $1 and profile_id = $2 and title_id = any($3::text[])
"""

LIST_ITEMS: Final = """
/* download_planning.list_items: a profile's list, the latest first */
select m.title_id, m.add_time from my_list m
where m.account_id = $1 and m.profile_id = $2
order by m.add_time desc, m.title_id
limit $3
"""

COUNT_ITEMS: Final = """
/* download_planning.count_items: how many titles are on a profile's list */
select count(*) from my_list where account_id = $1 and profile_id = $2
"""

IS_USED: Final = """
/* download_planning.is_used: whether anything was watched on a profile, listed, or chosen for its downloads */
select exists (select from viewing where account_id = $1 and profile_id = $2)
    or exists (select from my_list where account_id = $1 and profile_id = $2)
    or exists (select from download_settings where account_id = $1 and profile_id = $2)
"""

DELETE_DEVICE_SETTINGS: Final = """
/* download_planning.delete_device_settings: the choices on a device that has left the account, for every profile */
delete from download_settings where account_id = $1 and device_id = $2
"""

DELETE_DEVICE_WANTED: Final = """
/* download_planning.delete_device_wanted: the plans of a device that has left the account */
delete from wanted_state where account_id = $1 and device_id = $2 returning profile_id
"""
