"""Every statement of the service. Growing tables come with their account; catalogue tables are reference tables."""

from __future__ import annotations

from typing import Final

# Catalogue ------------------------------------------------------------------------------------------------------------

BUMP_CATALOGUE: Final = """
/* download_planning.bump_catalogue: make every replica read the catalogue anew; serialises its writers */
update catalogue_state set version = version + 1 where id = 1
"""

CATALOGUE_STATE: Final = """
/* download_planning.catalogue_state: the catalogue's version and how many profiles popularity was counted over */
select version, viewer_count from catalogue_state where id = 1
"""

UPSERT_TITLES: Final = """
/* download_planning.upsert_titles: put a batch of titles in place of those with the same ids */
insert into title as t (title_id, name, kind, series_id, season_number, episode_number, genres, maturity_age,
                        duration_ms, popularity_prior, update_time)
select r.title_id, r.name, r.kind, r.series_id, r.season_number, r.episode_number,
       string_to_array(r.genres, E'\\x1f'), r.maturity_age, r.duration_ms, r.popularity_prior, $11
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::text[], $8::smallint[],
            $9::bigint[], $10::double precision[])
     as r(title_id, name, kind, series_id, season_number, episode_number, genres, maturity_age, duration_ms,
          popularity_prior)
on conflict (title_id) do update
set name = excluded.name, kind = excluded.kind, series_id = excluded.series_id,
    season_number = excluded.season_number, episode_number = excluded.episode_number, genres = excluded.genres,
    maturity_age = excluded.maturity_age, duration_ms = excluded.duration_ms,
    popularity_prior = excluded.popularity_prior, update_time = excluded.update_time
"""

DELETE_RENDITIONS: Final = """
/* download_planning.delete_renditions: the renditions of titles about to be replaced */
delete from rendition where title_id = any($1::text[])
"""

INSERT_RENDITIONS: Final = """
/* download_planning.insert_renditions: the renditions of a batch of titles */
insert into rendition (title_id, rendition_id, size_bytes, url)
select r.title_id, r.rendition_id, r.size_bytes, r.url
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) as r(title_id, rendition_id, size_bytes, url)
"""

DELETE_WINDOWS: Final = """
/* download_planning.delete_windows: the licence windows of titles about to be replaced */
delete from licence_window where title_id = any($1::text[])
"""

INSERT_WINDOWS: Final = """
/* download_planning.insert_windows: the licence windows of a batch of titles */
insert into licence_window (title_id, ordinal, country_code, start_time, end_time)
select r.title_id, r.ordinal, r.country_code, r.start_time, r.end_time
from unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[])
     as r(title_id, ordinal, country_code, start_time, end_time)
"""

LIST_TITLES: Final = """
/* download_planning.list_titles: the whole catalogue, for the snapshot that plans are made from */
select t.title_id, t.name, t.kind, t.series_id, t.season_number, t.episode_number, t.genres, t.maturity_age,
       t.duration_ms, t.popularity_prior
from title t
order by t.title_id
"""

LIST_RENDITIONS: Final = """
/* download_planning.list_renditions: the renditions of the whole catalogue, for the snapshot */
select r.title_id, r.rendition_id, r.size_bytes, r.url from rendition r order by r.title_id, r.rendition_id
"""

LIST_WINDOWS: Final = """
/* download_planning.list_windows: the licence windows of the whole catalogue, for the snapshot */
select w.title_id, w.country_code, w.start_time, w.end_time from licence_window w order by w.title_id, w.ordinal
"""

# Popularity -----------------------------------------------------------------------------------------------------------

CLAIM_POPULARITY: Final = """
/* download_planning.claim_popularity: let one replica sum, where the last sum is older than $2 */
update catalogue_state set popularity_time = $1 where id = 1 and popularity_time <= $2 returning id
"""

SUM_POPULARITY: Final = """
/* download_planning.sum_popularity: profiles that watched each title since $1; sums over accounts, so over shards */
select v.title_id, count(*) as viewer_count
from (select distinct account_id, profile_id, title_id from viewing
      where event_time >= $1 and state <> 'ABANDONED') v
group by v.title_id
"""

COUNT_VIEWERS: Final = """
/* download_planning.count_viewers: profiles that watched anything since $1 */
select count(*) from (select distinct account_id, profile_id from viewing
                      where event_time >= $1 and state <> 'ABANDONED') v
"""

LIST_POPULARITY: Final = """
/* download_planning.list_popularity: the sums in force */
select p.title_id, p.viewer_count from title_popularity p
"""

CLEAR_POPULARITY: Final = """
/* download_planning.clear_popularity: make room for new sums */
delete from title_popularity
"""

INSERT_POPULARITY: Final = """
/* download_planning.insert_popularity: new sums */
insert into title_popularity (title_id, viewer_count)
select r.title_id, r.viewer_count from unnest($1::text[], $2::bigint[]) as r(title_id, viewer_count)
"""

SET_VIEWER_COUNT: Final = """
/* download_planning.set_viewer_count: how many profiles the new sums were counted over */
update catalogue_state set viewer_count = $1, version = version + 1 where id = 1
"""

# Viewing --------------------------------------------------------------------------------------------------------------

LIST_PROGRESS: Final = """
/* download_planning.list_progress: a profile's newest event for each title, by when it happened */
select distinct on (v.title_id) v.title_id, v.state, v.event_time
from viewing v
where v.account_id = $1 and v.profile_id = $2
order by v.title_id, v.event_time desc,
         (case v.state when 'FINISHED' then 0 when 'ABANDONED' then 1 else 2 end), v.viewing_id
"""

LIST_VIEWINGS: Final = """
/* download_planning.list_viewings: some of a profile's history, to be copied to another account */
select v.viewing_id, v.title_id, v.device_id, v.state, v.position_ms, v.event_time
from viewing v
where v.account_id = $1 and v.profile_id = $2
order by v.viewing_id
limit $3
"""

DELETE_VIEWINGS: Final = """
/* download_planning.delete_viewings: what was copied to another account */
delete from viewing
where account_id = $1 and profile_id = $2 and viewing_id = any($3::uuid[])
returning viewing_id
"""

# Settings -------------------------------------------------------------------------------------------------------------

ENSURE_ACCOUNT: Final = """
/* download_planning.ensure_account: the row that is locked while an account's devices are counted */
insert into download_account (account_id) values ($1) on conflict (account_id) do nothing
"""

LOCK_ACCOUNT: Final = """
/* download_planning.lock_account: one change of an account's devices at a time; counting is a later statement */
select account_id from download_account where account_id = $1 for update
"""

DEVICES_IN_USE: Final = """
/* download_planning.devices_in_use: the devices of an account on which any profile has switched downloads on */
select distinct s.device_id from download_settings s
where s.account_id = $1 and (s.downloads_for_you or s.smart_downloads)
"""

UPSERT_SETTINGS: Final = """
/* download_planning.upsert_settings: what a viewer chose for a device */
insert into download_settings (account_id, profile_id, device_id, platform, downloads_for_you, smart_downloads,
                               budget_bytes, allow_mobile_data, update_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (account_id, profile_id, device_id) do update
set platform = excluded.platform, downloads_for_you = excluded.downloads_for_you,
    smart_downloads = excluded.smart_downloads, budget_bytes = excluded.budget_bytes,
    allow_mobile_data = excluded.allow_mobile_data, update_time = excluded.update_time
"""

DELETE_SETTINGS: Final = """
/* download_planning.delete_settings: the choices of a profile that has left the account */
delete from download_settings where account_id = $1 and profile_id = $2
"""

# Plans ----------------------------------------------------------------------------------------------------------------

FIND_DEVICE: Final = """
/* download_planning.find_device: what was chosen for a device, its newest plan, and the catalogue's version */
select s.platform, s.downloads_for_you, s.smart_downloads, s.budget_bytes, s.allow_mobile_data,
       w.plan, w.is_withdrawn, (select c.version from catalogue_state c where c.id = 1) as catalogue_version
from download_settings s
left join wanted_state w on w.account_id = $1 and w.account_id = s.account_id
      and w.profile_id = s.profile_id and w.device_id = s.device_id
where s.account_id = $1 and s.profile_id = $2 and s.device_id = $3
"""

SAVE_WANTED: Final = """
/* download_planning.save_wanted: a device's new plan, in place of generation $9 (0: of none); no row: conflict */
insert into wanted_state as w (account_id, profile_id, device_id, plan_id, generation, etag, plan, is_withdrawn,
                               create_time)
values ($1, $2, $3, $4, $5, $6, $7, false, $8)
on conflict (account_id, profile_id, device_id) do update
set plan_id = excluded.plan_id, generation = excluded.generation, etag = excluded.etag, plan = excluded.plan,
    is_withdrawn = false, create_time = excluded.create_time
where w.generation = $9
returning w.generation
"""

SET_WITHDRAWN: Final = """
/* download_planning.set_withdrawn: whether a device's plan may be shown, by its standing */
update wanted_state set is_withdrawn = $4
where account_id = $1 and profile_id = $2 and device_id = $3 and is_withdrawn <> $4
returning generation
"""

DELETE_WANTED: Final = """
/* download_planning.delete_wanted: the plans of a profile that has left the account */
delete from wanted_state where account_id = $1 and profile_id = $2 returning device_id
"""

INSERT_EXPLANATION: Final = """
/* download_planning.insert_explanation: a plan and what was considered for it */
insert into plan_explanation (account_id, plan_id, profile_id, device_id, explanation, create_time)
values ($1, $2, $3, $4, $5, $6)
"""

FIND_EXPLANATION: Final = """
/* download_planning.find_explanation: a plan of an account, with what was considered for it */
select e.explanation from plan_explanation e where e.account_id = $1 and e.plan_id = $2
"""
