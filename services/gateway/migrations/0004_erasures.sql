-- migrate:up
set lock_timeout = '2s';

create table erasure (
    erasure_id uuid primary key,
    account_id uuid,
    request_id uuid,
    requester text not null check (requester in ('OWNER', 'OPERATOR')),
    state text not null check (state in ('CLOSING', 'WAITING', 'ERASING', 'DONE', 'CANCELLED', 'FAILED')),
    step text not null,
    state_before text not null check (state_before in ('PENDING', 'ACTIVE', 'ON_HOLD', 'CLOSED')),
    attempt_count integer not null default 0,
    counts jsonb not null default '{}',
    request_time timestamptz not null,
    erase_time timestamptz not null,
    due_time timestamptz,
    lease_time timestamptz not null,
    done_time timestamptz,
    check ((state = 'DONE') = (done_time is not null)),
    check (state <> 'DONE' or (account_id is null and request_id is null))
);
create index erasure_due on erasure (due_time) where due_time is not null;
comment on table erasure is 'Accounts that are being erased, one row each, and the proof that they were: dates and counts without the account.';
comment on column erasure.erasure_id is 'A keyed hash of the account''s id. On Citus distributed by it.';
comment on column erasure.due_time is 'When the next step is due; null when it is over or has failed.';
comment on column erasure.lease_time is 'Until when somebody is working on it.';

create index proof_account on proof (account_id);
create index proof_source on proof (source_account_id) where source_account_id is not null;

-- migrate:down
drop index proof_source;
drop index proof_account;
drop table erasure;
