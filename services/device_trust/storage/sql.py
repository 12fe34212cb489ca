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
  u.use_kinds, u.use_networks, u.use_times
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
cross join (select array_agg(kind order by request_id) as use_kinds,
    array_agg(network_hash order by request_id) as use_networks,
    array_agg(used_time order by request_id) as use_times
  from allowance_use where account_id = $1 and used_time > $4) u
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
on conflict (account_id, residence_id) do update set country_code = excluded.country_code,
  declared = excluded.declared, name = excluded.name, last_seen_time = excluded.last_seen_time
"""

LIST_HOMES: Final = """/* device_trust.list_homes: the networks of an account's residences */
select network_hash from residence where account_id = $1
"""

TOUCH_RESIDENCE: Final = """/* device_trust.touch_residence: a residence was seen, late or not */
update residence set last_seen_time = greatest(last_seen_time, $3), country_code = coalesce(country_code, $4)
where account_id = $1 and network_hash = $2
"""

COUNT_RESIDENTS: Final = """/* device_trust.count_residents: devices on each residence's network since a day */
select r.residence_id, count(distinct p.device_id) as device_count
from residence r join presence p on p.account_id = $1 and p.network_hash = r.network_hash and p.day >= $2
where r.account_id = $1
group by r.residence_id
"""

ADD_SIGHTINGS: Final = """/* device_trust.add_sightings: note sighting ids; those returned are new */
insert into sighting_seen (account_id, sighting_id, event_time)
select $1, s.sighting_id, s.event_time from unnest($2::uuid[], $3::timestamptz[]) as s(sighting_id, event_time)
on conflict (account_id, sighting_id) do nothing
returning sighting_id
"""

ADD_PRESENCE: Final = """/* device_trust.add_presence: count a device's sightings on a network on a day */
insert into presence as p (account_id, device_id, day, network_hash, country_code, asn, sighting_count)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (account_id, device_id, day, network_hash) do update set
  sighting_count = p.sighting_count + excluded.sighting_count,
  country_code = coalesce(p.country_code, excluded.country_code), asn = coalesce(p.asn, excluded.asn)
"""

ADD_USE: Final = """/* device_trust.add_use: use up one of an allowance; the household is locked */
insert into allowance_use (account_id, request_id, kind, network_hash, device_id, used_time)
values ($1, $2, $3, $4, $5, $6)
"""

ADD_TRAVEL: Final = """/* device_trust.add_travel: note a declared travel; the household is locked */
insert into travel (account_id, request_id, country_code, start_time, end_time) values ($1, $2, $3, $4, $5)
"""

# Purging: candidates are read without a lock, then deleted account by account.
EXPIRED_SIGHTINGS: Final = """/* device_trust.expired_sightings: accounts with sightings too old to be taken in */
select account_id from sighting_seen where event_time < $1 group by account_id limit $2
"""

DELETE_SIGHTINGS: Final = """/* device_trust.delete_sightings: forget an account's old sighting ids */
delete from sighting_seen where account_id = $1 and event_time < $2
"""

EXPIRED_PRESENCE: Final = """/* device_trust.expired_presence: accounts with presence older than its retention */
select account_id from presence where day < $1 group by account_id limit $2
"""

DELETE_PRESENCE: Final = """/* device_trust.delete_presence: forget an account's old presence */
delete from presence where account_id = $1 and day < $2
"""

EXPIRED_REQUESTS: Final = """/* device_trust.expired_requests: accounts with answers older than their retention */
select account_id from request where created_time < $1 group by account_id limit $2
"""

DELETE_REQUESTS: Final = """/* device_trust.delete_requests: forget an account's old answers */
delete from request where account_id = $1 and created_time < $2
"""
