-- migrate:up
set lock_timeout = '5s';

create table admission (
    account_id uuid primary key,
    epoch bigint not null default 0
);
comment on table admission is 'One row an account: its epoch, raised by every revocation, under which slots are claimed';

create table slot (
    account_id uuid not null,
    n int not null check (n between 1 and 100),
    fence bigint not null default 0,
    expire_time timestamptz not null,
    stream_id uuid,
    session_id uuid,
    device_id text,
    device_name text,
    profile_id uuid,
    title_id text,
    start_time timestamptz,
    primary key (account_id, n)
);
comment on table slot is 'The streams at once of a plan: a slot is free when expire_time has passed';

create table decision (
    account_id uuid not null,
    decision_id uuid not null,
    request_id uuid not null,
    kind text not null check (kind in ('start', 'sign_in')),
    body_digest bytea not null,
    outcome text not null check (outcome in ('ALLOWED', 'ALLOWED_UNTIL', 'VERIFICATION_REQUIRED', 'DENIED')),
    reason text not null,
    cell text not null check (cell in ('control', 'observe', 'enforce')),
    shadow_outcome text check (shadow_outcome in ('ALLOWED', 'ALLOWED_UNTIL', 'VERIFICATION_REQUIRED', 'DENIED')),
    policy_version text not null,
    facts jsonb not null,
    rules jsonb not null,
    answer jsonb,
    decide_time timestamptz not null,
    primary key (account_id, decision_id),
    constraint decision_request unique (account_id, kind, request_id)
);
create index decision_decide_time on decision (decide_time);
comment on table decision is 'What was decided and why; answers a repeated request id, and ExplainDecision';

create table asker (
    account_id uuid not null,
    challenge_id uuid not null,
    session_id uuid not null,
    client bytea not null,
    expire_time timestamptz not null,
    primary key (account_id, challenge_id)
);
create index asker_expire_time on asker (expire_time);
comment on table asker is 'The client behind a pending verification, sealed, so that a yes from another device can be applied';

create table proof (
    proof_id uuid primary key,
    purpose text not null check (purpose in ('SIGN_UP', 'PASSWORD_RESET')),
    account_id uuid not null,
    challenge_id uuid not null,
    device_id text not null,
    source_account_id uuid,
    begin_time timestamptz,
    body_digest bytea not null,
    expire_time timestamptz not null
);
create index proof_expire_time on proof (expire_time);
comment on table proof is 'Sign-ups and password resets that wait for their code; for unknown addresses with random ids';

-- migrate:down
drop table proof;
drop table asker;
drop table decision;
drop table slot;
drop table admission;
