-- migrate:up
set lock_timeout = '5s';

create table own_account (
    account_id uuid not null,
    own_account_id uuid not null,
    target_account_id uuid not null,
    profile_id uuid not null,
    profile_name text not null,
    device_id text not null,
    challenge_id uuid not null,
    owner_agreed boolean not null,
    state text not null check (state in ('WAITING', 'RUNNING', 'DONE', 'UNDOING', 'UNDONE')),
    step text,
    undone_by text check (undone_by in ('SOURCE', 'TARGET', 'NOBODY')),
    client bytea,
    attempts int not null check (attempts >= 0),
    failure text not null,
    next_try_time timestamptz,
    create_time timestamptz not null,
    begin_time timestamptz,
    done_time timestamptz,
    undo_time timestamptz,
    primary key (account_id, own_account_id),
    check ((step is null) = (state in ('DONE', 'UNDONE')))
);
create index own_account_due on own_account (next_try_time) where next_try_time is not null;
create index own_account_stalled on own_account (create_time) where state in ('RUNNING', 'UNDOING') and next_try_time is null;
comment on table own_account is 'A viewer who leaves account_id for an account of their own: how far the move, or its undoing, has come.';
comment on column own_account.next_try_time is 'When a worker may take it up: the end of a lease, or of a pause. None: nothing is to be done, or it was given up.';
comment on column own_account.client is 'The client behind it, sealed, for as long as steps need it.';

create table own_account_target (
    account_id uuid primary key,
    source_account_id uuid not null,
    own_account_id uuid not null
);
comment on table own_account_target is 'Lookup: the own account that an account was made as. On Citus distributed by its own key.';

create table profile_transfer (
    account_id uuid not null,
    challenge_id uuid not null,
    profile_id uuid not null,
    device_id text not null,
    agree_time timestamptz,
    expire_time timestamptz not null,
    primary key (account_id, challenge_id)
);
create index profile_transfer_expire_time on profile_transfer (expire_time);
comment on table profile_transfer is 'Which profile an owner is asked about, for which device, and whether the yes was redeemed.';

comment on column proof.begin_time is 'No longer written: own_account took its place. Dropped by a later release.';

-- migrate:down
set lock_timeout = '5s';

drop table profile_transfer;
drop table own_account_target;
drop table own_account;
