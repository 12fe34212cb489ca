-- migrate:up
set lock_timeout = '2s';

create table household (
  account_id uuid not null,
  revision bigint not null default 1,
  created_time timestamptz not null,
  primary key (account_id)
);
comment on table household is 'One row for an account that was ever written for: the lock under which its devices and allowances change.';
comment on column household.revision is 'Grows with each change that took the lock.';

create table device (
  account_id uuid not null,
  device_id text not null,
  kind text not null,
  name text not null,
  platform text not null,
  first_seen_time timestamptz not null,
  last_seen_time timestamptz not null,
  last_network bytea not null,
  last_country text,
  member_since timestamptz,
  last_home_time timestamptz,
  cleared_time timestamptz,
  guest_until timestamptz,
  deferral_deadline timestamptz,
  revoked_time timestamptz,
  revocation_reason text,
  primary key (account_id, device_id),
  constraint device_id_form check (device_id ~ '^[A-Za-z0-9._:-]{1,128}$'),
  constraint device_name_length check (char_length(name) <= 80),
  constraint device_kind_known check (kind in ('TV', 'PHONE', 'TABLET', 'COMPUTER', 'CONSOLE', 'SET_TOP_BOX')),
  constraint device_platform_known check (platform in ('ANDROID', 'IOS', 'WEB', 'ANDROID_TV', 'TVOS', 'TIZEN', 'WEBOS',
    'ROKU', 'FIRE_OS', 'WINDOWS', 'MACOS', 'OTHER')),
  constraint device_network_length check (octet_length(last_network) = 16),
  constraint device_country_form check (last_country ~ '^[A-Z]{2}$'),
  constraint device_seen_order check (first_seen_time <= last_seen_time),
  constraint device_revocation_reason_known check (revocation_reason in ('BY_OWNER', 'NOT_ME', 'MOVED_AWAY', 'BY_OPERATOR')),
  constraint device_revocation_complete check ((revoked_time is null) = (revocation_reason is null))
);
comment on table device is 'An installation seen for an account, with what its standing is judged by. Networks are keyed hashes of prefixes.';
comment on column device.member_since is 'When the account was made on it.';
comment on column device.last_home_time is 'When it was last seen on a residence''s network.';
comment on column device.cleared_time is 'When the owner cleared it of suspicion.';
create index device_by_last_seen on device (account_id, last_seen_time desc, device_id);

create table residence (
  account_id uuid not null,
  residence_id uuid not null,
  network_hash bytea not null,
  country_code text,
  declared boolean not null,
  name text not null,
  last_seen_time timestamptz not null,
  primary key (account_id, residence_id),
  constraint residence_network unique (account_id, network_hash),
  constraint residence_network_length check (octet_length(network_hash) = 16),
  constraint residence_country_form check (country_code ~ '^[A-Z]{2}$'),
  constraint residence_name_length check (char_length(name) <= 40)
);
comment on table residence is 'A place where an account''s household lives, learned or declared.';

create table presence (
  account_id uuid not null,
  device_id text not null,
  day date not null,
  network_hash bytea not null,
  country_code text,
  asn bigint,
  sighting_count integer not null,
  primary key (account_id, device_id, day, network_hash),
  constraint presence_network_length check (octet_length(network_hash) = 16),
  constraint presence_country_form check (country_code ~ '^[A-Z]{2}$'),
  constraint presence_count_positive check (sighting_count > 0)
);
comment on table presence is 'A device on a network on a day (UTC), however often it was seen there. Purged after its retention.';
create index presence_at_network on presence (account_id, network_hash, day);
create index presence_by_day on presence (day);

create table sighting_seen (
  account_id uuid not null,
  sighting_id uuid not null,
  event_time timestamptz not null,
  primary key (account_id, sighting_id)
);
comment on table sighting_seen is 'Ids of sightings taken in, so that a repeated one is counted once. Purged once its age would have it refused.';
create index sighting_seen_by_time on sighting_seen (event_time);

create table allowance_use (
  account_id uuid not null,
  request_id uuid not null,
  kind text not null,
  network_hash bytea not null,
  device_id text not null,
  used_time timestamptz not null,
  primary key (account_id, request_id),
  constraint allowance_use_kind_known check (kind in ('GUEST_LEASE', 'DEFERRAL')),
  constraint allowance_use_network_length check (octet_length(network_hash) = 16)
);
comment on table allowance_use is 'A guest lease or a deferral that was used, by account and network; counted over the allowance period.';
create index allowance_use_by_time on allowance_use (account_id, used_time);

create table travel (
  account_id uuid not null,
  request_id uuid not null,
  country_code text not null,
  start_time timestamptz not null,
  end_time timestamptz not null,
  primary key (account_id, request_id),
  constraint travel_country_form check (country_code ~ '^[A-Z]{2}$'),
  constraint travel_order check (start_time <= end_time)
);
comment on table travel is 'Days on which a household said that it would be in a country; counted over a year.';

create table request (
  account_id uuid not null,
  request_id uuid not null,
  body_digest bytea not null,
  answer jsonb not null,
  created_time timestamptz not null,
  primary key (account_id, request_id),
  constraint request_digest_length check (octet_length(body_digest) = 32)
);
comment on table request is 'Answers by request id, written with what they answer, so that a repeated request gets the same one.';
create index request_by_time on request (created_time);

-- migrate:down
set lock_timeout = '2s';

drop table request;
drop table travel;
drop table allowance_use;
drop table sighting_seen;
drop table presence;
drop table residence;
drop table device;
drop table household;
