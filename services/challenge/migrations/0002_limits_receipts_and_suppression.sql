-- migrate:up
set lock_timeout = '2s';

alter table challenge add column session_id uuid;
alter table challenge add column phone_range_hashes bytea[] not null default '{}';

alter table delivery add column provider text not null default '';
alter table delivery drop constraint delivery_state_check;
alter table delivery add constraint delivery_state_check
    check (state in ('queued', 'accepted', 'delivered', 'bounced', 'expired', 'suppressed'));
create index delivery_dead on delivery (update_time) where state in ('bounced', 'expired');

create table rate_bucket (
    bucket_hash bytea not null,
    full_time timestamptz not null,
    primary key (bucket_hash)
);
comment on table rate_bucket is
    'Limits that are not an account''s: by network, by phone range, over all. full_time is when the bucket is full again '
    '(generic cell rate algorithm); the hash is keyed and names kind and key.';
create index rate_bucket_by_time on rate_bucket (full_time);

create table phone_range (
    range_hash bytea not null,
    window_start timestamptz not null,
    sent_count integer not null,
    verified_count integer not null,
    stopped_until timestamptz,
    primary key (range_hash)
);
comment on table phone_range is
    'Codes sent to a range of numbers beside those that were entered: a range whose codes nobody enters is being pumped.';
create index phone_range_by_age on phone_range (window_start);

create table suppression (
    destination_hash bytea not null,
    kind text not null,
    reason text not null check (reason in ('hard_bounce', 'unsubscribed')),
    create_time timestamptz not null,
    expire_time timestamptz not null,
    primary key (destination_hash, kind)
);
comment on table suppression is
    'Destinations to which notices are not sent: all kinds (empty) after a hard bounce, one kind after an unsubscription.';
create index suppression_by_expiry on suppression (expire_time);

create table provider_message (
    reference_hash bytea not null,
    account_id uuid,
    delivery_id uuid,
    state text check (state in ('delivered', 'bounced')),
    create_time timestamptz not null,
    primary key (reference_hash)
);
comment on table provider_message is
    'Which message a provider means by its own id. Either side may come first: the answer to the message, or its receipt.';
create index provider_message_by_age on provider_message (create_time);

-- migrate:down
set lock_timeout = '2s';
drop table provider_message;
drop table suppression;
drop table phone_range;
drop table rate_bucket;
drop index delivery_dead;
delete from delivery where state = 'suppressed';
alter table delivery drop constraint delivery_state_check;
alter table delivery add constraint delivery_state_check
    check (state in ('queued', 'accepted', 'delivered', 'bounced', 'expired'));
alter table delivery drop column provider;
alter table challenge drop column phone_range_hashes;
alter table challenge drop column session_id;
