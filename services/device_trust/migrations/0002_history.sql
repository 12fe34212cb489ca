-- migrate:up
set lock_timeout = '2s';

create table history (
  account_id uuid not null,
  data bytea not null,
  primary key (account_id)
);
comment on table history is 'What an account''s standings are judged by: devices, networks (keyed hashes) and days, bounded. MessagePack; see domain/history.py.';

create table network_seen (
  account_id uuid not null,
  network_hash bytea not null,
  asn bigint,
  last_day date not null,
  primary key (account_id, network_hash),
  constraint network_seen_length check (octet_length(network_hash) = 16)
);
comment on table network_seen is 'That an account was seen on a network lately: from it the crowds are counted.';
create index network_seen_by_day on network_seen (last_day);

create table crowd (
  kind text not null,
  key bytea not null,
  account_count bigint not null,
  counted_time timestamptz not null,
  primary key (kind, key),
  constraint crowd_kind_known check (kind in ('ALL', 'NETWORK', 'PROVIDER')),
  constraint crowd_count_positive check (account_count > 0)
);
comment on table crowd is 'How many accounts were seen on a network, with a provider, and in all; counted by a task now and then. A reference table on Citus.';
comment on column crowd.key is 'A network''s hash, an autonomous system''s number (8 bytes, big-endian), or empty.';

comment on table presence is 'No longer written: the history took its place. Purged by its retention; dropped by the release after this one.';

-- migrate:down
set lock_timeout = '2s';

drop table crowd;
drop table network_seen;
drop table history;
