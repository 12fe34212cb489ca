-- migrate:up
set lock_timeout = '2s';

create table plan (
    plan_id text primary key,
    max_streams integer not null check (max_streams between 1 and 100),
    max_download_devices integer not null check (max_download_devices between 0 and 100),
    extra_member_slots integer not null check (extra_member_slots between 0 and 100)
);
comment on table plan is 'Catalogue: what a subscription grants. On Citus a reference table.';

insert into plan (plan_id, max_streams, max_download_devices, extra_member_slots)
values ('basic', 1, 1, 0), ('standard', 2, 2, 1), ('premium', 4, 6, 2);

create table account (
    account_id uuid primary key,
    state text not null check (state in ('PENDING', 'ACTIVE', 'ON_HOLD', 'CLOSED')),
    plan_id text not null references plan,
    country_code text not null check (country_code ~ '^[A-Z]{2}$'),
    language text not null,
    email_taken boolean not null,
    move_source_account_id uuid,
    move_profile_id uuid,
    create_time timestamptz not null,
    activate_time timestamptz,
    check ((move_source_account_id is null) = (move_profile_id is null)),
    check ((activate_time is null) = (state = 'PENDING'))
);
comment on table account is 'A subscriber. move_*: the profile that is to move in when it is activated.';
comment on column account.email_taken is 'Its address belonged to another account when it was made: it can never be activated.';

create table credential (
    account_id uuid primary key references account,
    password_hash text not null,
    set_time timestamptz not null
);
comment on table credential is 'The Argon2id hash of an account''s password, apart from the account so that few statements read it.';

create table contact (
    account_id uuid not null references account,
    channel text not null check (channel in ('EMAIL', 'TEXT')),
    sealed_destination bytea not null,
    verify_time timestamptz,
    primary key (account_id, channel)
);
comment on table contact is 'Where an owner is reached; the destination is sealed with AES-256-GCM, bound to account and channel.';

create table email_address (
    email_hash bytea primary key check (octet_length(email_hash) = 32),
    account_id uuid not null
);
comment on table email_address is
    'Lookup: keyed hash of an address to the account it belongs to since that was activated. On Citus distributed by its own key.';

create table sign_up (
    request_id uuid primary key,
    account_id uuid not null,
    fingerprint bytea not null,
    create_time timestamptz not null
);
comment on table sign_up is
    'Lookup: which account a CreateAccount made, for its repeats. On Citus distributed by its own key, as the account is not known yet.';

create table request (
    account_id uuid not null references account,
    request_id uuid not null,
    method text not null,
    fingerprint bytea not null,
    made_id uuid not null,
    create_time timestamptz not null,
    primary key (account_id, request_id)
);
comment on table request is 'What a request of an account made, for its repeats; the fingerprint is a keyed hash of its body.';

create table profile (
    account_id uuid not null references account,
    profile_id uuid not null,
    name text not null check (char_length(name) between 1 and 40),
    maturity_age integer not null check (maturity_age between 0 and 18),
    is_primary boolean not null,
    kids boolean not null,
    create_time timestamptz not null,
    moving_to_account_id uuid,
    moved_to_account_id uuid,
    move_time timestamptz,
    primary key (account_id, profile_id),
    check ((moved_to_account_id is null) = (move_time is null)),
    check (not is_primary or moved_to_account_id is null)
);
create unique index profile_primary on profile (account_id) where is_primary;
comment on table profile is 'A viewer within an account. A moved one keeps its id in its new account and stays here as a mark.';
comment on column profile.moving_to_account_id is 'The one account that a move under way, or done, may put it into.';

create table session (
    account_id uuid not null references account,
    session_id uuid not null,
    device_id text not null,
    state text not null check (state in ('LIVE', 'RESTRICTED', 'ENDED')),
    end_reason text check (end_reason in ('SIGNED_OUT', 'SIGNED_OUT_EVERYWHERE', 'DEVICE_REVOKED', 'PASSWORD_CHANGED',
        'EXPIRED', 'SUPERSEDED', 'TOKEN_REUSED', 'ACCOUNT_CLOSED', 'MOVED_AWAY')),
    create_time timestamptz not null,
    end_time timestamptz,
    session_digest bytea not null,
    session_expire_time timestamptz not null,
    refresh_digest bytea not null,
    refresh_expire_time timestamptz not null,
    primary key (account_id, session_id),
    check ((state = 'ENDED') = (end_reason is not null)),
    check ((state = 'ENDED') = (end_time is not null))
);
create unique index session_token on session (account_id, session_digest);
create unique index session_refresh_token on session (account_id, refresh_digest);
create unique index session_device on session (account_id, device_id) where state <> 'ENDED';
comment on table session is 'A device that signed in. Of its tokens only SHA-256 digests are kept; running out of time is seen by the clock, not stored.';

create table spent_refresh_token (
    account_id uuid not null references account,
    refresh_digest bytea not null,
    session_id uuid not null,
    spend_time timestamptz not null,
    primary key (account_id, refresh_digest)
);
comment on table spent_refresh_token is 'Refresh tokens that were exchanged; one that comes again ends its session.';

-- migrate:down
drop table spent_refresh_token, session, profile, request, sign_up, email_address, contact, credential, account, plan;
