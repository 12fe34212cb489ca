"""The statements of device_trust. Each names the account on every relation, and takes time as a parameter."""

from __future__ import annotations

from typing import Final

LOCK_HOUSEHOLD: Final = """/* device_trust.lock_household: hold an account's household until the transaction ends */
insert into household as h (account_id, created_time) values ($1, $2)
on conflict (account_id) do update set revision = h.revision + 1
"""

FIND_ANSWER: Final = """/* device_trust.find_answer: the answer that a request id was given */
select body_digest, answer from request where account_id = $1 and request_id = $2
"""

KEEP_ANSWER: Final = """/* device_trust.keep_answer: remember what a request id was answered */
insert into request (account_id, request_id, body_digest, answer, created_time) values ($1, $2, $3, $4, $5)
"""

LOAD_FACTS: Final = """/* device_trust.load_facts: all that a device's standing is judged by, in one row */
select d.device_id, d.kind, d.name, d.platform, d.first_seen_time, d.last_seen_time, d.last_network, d.last_country,
  d.member_since, d.last_home_time, d.cleared_time, d.guest_until, d.deferral_deadline, d.revoked_time,
  d.revocation_reason,
  r.residence_ids, r.residence_networks, r.residence_countries, r.residence_declared, r.residence_names,
  r.residence_seen_times,
  t.travel_countries, t.travel_starts, t.travel_ends,
  u.use_kinds, u.use_networks, u.use_times,
  (select h.data from history h where h.account_id = $1) as history,
  (select c.account_count from crowd c where c.kind = 'NETWORK' and c.key = $5) as network_accounts,
  (select c.account_count from crowd c where c.kind = 'PROVIDER' and c.key = $6) as provider_accounts,
  (select c.account_count from crowd c where c.kind = 'ALL' and c.key = '') as all_accounts
from (select array_agg(residence_id order by residence_id) as residence_ids,
    array_agg(network_hash order by residence_id) as residence_networks,
    array_agg(country_code order by residence_id) as residence_countries,
    array_agg(declared order by residence_id) as residence_declared,
    array_agg(name order by residence_id) as residence_names,
    array_agg(last_seen_time order by residence_id) as residence_seen_times
  from residence where account_id = $1) r
cross join (select array_agg(country_code order by request_id) as travel_countries,
    array_agg(start_time order by request_id) as travel_starts,
    array_agg(end_time order by request_id) as travel_ends
  from travel where account_id = $1 and end_time > $3) t
cross join (select array_agg(a.kind order by a.request_id) as use_kinds,
    array_agg(a.network_hash order by a.request_id) as use_networks,
    array_agg(a.used_time order by a.request_id) as use_times
  from allowance_use a
  left join device g on g.account_id = $1 and g.device_id = a.device_id
  where a.account_id = $1 and a.used_time > $4
    and (g.last_home_time is null or g.last_home_time <= a.used_time)) u
left join device d on d.account_id = $1 and d.device_id = $2
"""

LIST_DEVICES: Final = """/* device_trust.list_devices: an account's devices, last seen first */
select device_id, kind, name, platform, first_seen_time, last_seen_time, last_network, last_country,
  member_since, last_home_time, cleared_time, guest_until, deferral_deadline, revoked_time, revocation_reason
from device where account_id = $1
order by last_seen_time desc, device_id limit $2
"""

FIND_DEVICES: Final = """/* device_trust.find_devices: those of an account's devices that are named */
select device_id, kind, name, platform, first_seen_time, last_seen_time, last_network, last_country,
  member_since, last_home_time, cleared_time, guest_until, deferral_deadline, revoked_time, revocation_reason
from device where account_id = $1 and device_id = any($2::text[])
"""

SAVE_DEVICE: Final = """/* device_trust.save_device: write a device as it is now; the household is locked */
insert into device (account_id, device_id, kind, name, platform, first_seen_time, last_seen_time, last_network,
  last_country, member_since, last_home_time, cleared_time, guest_until, deferral_deadline, revoked_time,
  revocation_reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (account_id, device_id) do update set kind = excluded.kind, name = excluded.name,
  platform = excluded.platform, first_seen_time = excluded.first_seen_time, last_seen_time = excluded.last_seen_time,
  last_network = excluded.last_network, last_country = excluded.last_country, member_since = excluded.member_since,
  last_home_time = excluded.last_home_time, cleared_time = excluded.cleared_time, guest_until = excluded.guest_until,
  deferral_deadline = excluded.deferral_deadline, revoked_time = excluded.revoked_time,
  revocation_reason = excluded.revocation_reason
"""

FOUNDED_ON: Final = """/* device_trust.founded_on: the device on which an account was made */
select device_id from device where account_id = $1 and member_since is not null limit 1
"""

SAVE_RESIDENCE: Final = """/* device_trust.save_residence: write a residence as it is now; the household is locked */
insert into residence (account_id, residence_id, network_hash, country_code, declared, name, last_seen_time)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (account_id, residence_id) do update set network_hash = excluded.network_hash,
  country_code = excluded.country_code, declared = excluded.declared, name = excluded.name,
  last_seen_time = excluded.last_seen_time
"""

LIST_RESIDENCES: Final = """/* device_trust.list_residences: an account's residences */
select residence_id, network_hash, country_code, declared, name, last_seen_time
from residence where account_id = $1 order by residence_id
"""

DELETE_RESIDENCE: Final = """/* device_trust.delete_residence: forget a residence; the household is locked */
delete from residence where account_id = $1 and residence_id = $2
"""

FIND_HISTORY: Final = """/* device_trust.find_history: what an account's standings are judged by */
select data from history where account_id = $1
"""

SAVE_HISTORY: Final = """/* device_trust.save_history: keep it; the household is locked */
insert into history as h (account_id, data) values ($1, $2)
on conflict (account_id) do update set data = excluded.data
"""

FIND_CROWDS: Final = """/* device_trust.find_crowds: how many accounts were seen on networks */
select key, account_count from crowd where kind = 'NETWORK' and key = any($1::bytea[])
"""

SEE_NETWORKS: Final = """/* device_trust.see_networks: note that an account was on networks; written once a day */
insert into network_seen as s (account_id, network_hash, asn, last_day)
select $1, n.network_hash, n.asn, n.last_day
from unnest($2::bytea[], $3::bigint[], $4::date[]) as n(network_hash, asn, last_day)
on conflict (account_id, network_hash) do update set last_day = excluded.last_day, asn = coalesce(excluded.asn, s.asn)
where s.last_day < excluded.last_day
"""

COUNT_NETWORK_CROWDS: Final = """/* device_trust.count_network_crowds: networks of several accounts */
select network_hash as key, count(*) as account_count from network_seen where last_day >= $1
group by network_hash having count(*) > 1
"""

COUNT_PROVIDER_CROWDS: Final = """/* device_trust.count_provider_crowds: accounts by provider */
select asn, count(distinct account_id) as account_count from network_seen
where last_day >= $1 and asn is not null group by asn
"""

COUNT_ACCOUNTS: Final = """/* device_trust.count_accounts: accounts that were seen lately */
select count(distinct account_id) from network_seen where last_day >= $1
"""

SAVE_CROWDS: Final = """/* device_trust.save_crowds: write what was counted */
insert into crowd as c (kind, key, account_count, counted_time)
select $1, n.key, n.account_count, $4 from unnest($2::bytea[], $3::bigint[]) as n(key, account_count)
on conflict (kind, key) do update set account_count = excluded.account_count, counted_time = excluded.counted_time
"""

DELETE_CROWDS: Final = """/* device_trust.delete_crowds: forget crowds that were not counted any more */
delete from crowd where kind = $1 and counted_time < $2
"""

ADD_SIGHTINGS: Final = """/* device_trust.add_sightings: note sighting ids; those returned are new */
insert into sighting_seen (account_id, sighting_id, event_time)
select $1, s.sighting_id, s.event_time from unnest($2::uuid[], $3::timestamptz[]) as s(sighting_id, event_time)
on conflict (account_id, sighting_id) do nothing
returning sighting_id
"""

ADD_USE: Final = """/* device_trust.add_use: use up one of an allowance; the household is locked */
insert into allowance_use (account_id, request_id, kind, network_hash, device_id, used_time)
values ($1, $2, $3, $4, $5, $6)
"""

ADD_TRAVEL: Final = """/* device_trust.add_travel: note a declared travel; the household is locked */
insert into travel (account_id, request_id, country_code, start_time, end_time) values ($1, $2, $3, $4, $5)
"""
