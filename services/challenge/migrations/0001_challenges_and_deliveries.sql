-- migrate:up
set lock_timeout = '2s';

create table challenge (
    account_id uuid not null,
    challenge_id uuid not null,
    purpose text not null check (purpose in ('confirm_household', 'confirm_owner', 'sign_up', 'password_reset')),
    channel text not null check (channel in ('email', 'text', 'trusted_device')),
    state text not null
        check (state in ('pending', 'verified', 'approved', 'rejected', 'expired', 'exhausted', 'superseded')),
    device_id text not null,
    device_kind text not null,
    device_platform text not null,
    device_name text not null,
    country_code text not null,
    language text not null,
    masked_destination text not null,
    destination_hash bytea,
    match_number text not null,
    code_hash bytea,
    sealed_code bytea,
    attempts_left smallint not null check (attempts_left >= 0),
    verify_request_ids uuid[] not null default '{}',
    verify_results text[] not null default '{}',
    deciding_device_id text,
    create_time timestamptz not null,
    expire_time timestamptz not null,
    update_time timestamptz not null,
    primary key (account_id, challenge_id),
    constraint challenge_keeps_no_code_when_over
        check (state = 'pending' or (code_hash is null and sealed_code is null)),
    constraint challenge_has_both_forms_of_code_or_none
        check ((code_hash is null) = (sealed_code is null)),
    constraint challenge_answers_are_aligned
        check (cardinality(verify_request_ids) = cardinality(verify_results))
);
comment on table challenge is
    'Proofs that were asked for. A code is kept as a peppered HMAC and sealed, both only while the challenge is pending.';
create unique index challenge_one_pending on challenge (account_id, device_id, purpose) where state = 'pending';
create index challenge_pending_by_expiry on challenge (expire_time) where state = 'pending';
create index challenge_by_age on challenge (create_time);

create table delivery (
    account_id uuid not null,
    delivery_id uuid not null,
    challenge_id uuid,
    message_id uuid not null,
    kind text not null,
    channel text not null check (channel in ('email', 'text')),
    state text not null check (state in ('queued', 'accepted', 'delivered', 'bounced', 'expired')),
    language text not null,
    parameters jsonb not null,
    sealed_destination bytea,
    attempt_count integer not null default 0,
    next_attempt_time timestamptz not null,
    provider_reference text not null default '',
    last_failure text not null default '',
    create_time timestamptz not null,
    expire_time timestamptz not null,
    update_time timestamptz not null,
    primary key (account_id, delivery_id),
    constraint delivery_keeps_no_destination_when_over check ((state = 'queued') = (sealed_destination is not null))
);
comment on table delivery is
    'Messages to be sent, written with what they are about. next_attempt_time is also the end of the lease of an attempt '
    'under way. The destination is sealed, and kept only while the message is queued.';
create index delivery_due on delivery (next_attempt_time) where state = 'queued';
create index delivery_of_challenge on delivery (account_id, challenge_id);
create index delivery_by_age on delivery (create_time);

create table failure_budget (
    account_id uuid not null,
    purpose text not null,
    failure_times timestamptz[] not null,
    last_failure_time timestamptz not null,
    consecutive_failures integer not null check (consecutive_failures >= 0),
    primary key (account_id, purpose)
);
comment on table failure_budget is
    'The latest wrong codes of an account and purpose, newest first; they outlive a resend and a new challenge.';
create index failure_budget_by_age on failure_budget (last_failure_time);

create table account_send_window (
    account_id uuid not null,
    kind text not null check (kind in ('message', 'approval')),
    send_times timestamptz[] not null,
    last_send_time timestamptz not null,
    primary key (account_id, kind)
);
comment on table account_send_window is 'The latest messages and approval questions of an account, newest first.';
create index account_send_window_by_age on account_send_window (last_send_time);

create table destination_send_window (
    destination_hash bytea not null,
    send_times timestamptz[] not null,
    last_send_time timestamptz not null,
    primary key (destination_hash)
);
comment on table destination_send_window is
    'The latest messages to a destination, across accounts, newest first; the destination is a keyed hash.';
create index destination_send_window_by_age on destination_send_window (last_send_time);

create table request (
    account_id uuid not null,
    request_id uuid not null,
    rpc text not null,
    body_digest bytea not null,
    challenge_id uuid,
    delivery_id uuid,
    answer text,
    create_time timestamptz not null,
    primary key (account_id, request_id)
);
comment on table request is 'What a request id made, so that its repeat gets the same answer; the body is a keyed digest.';
create index request_by_age on request (create_time);

-- migrate:down
set lock_timeout = '2s';
drop table request;
drop table destination_send_window;
drop table account_send_window;
drop table failure_budget;
drop table delivery;
drop table challenge;
