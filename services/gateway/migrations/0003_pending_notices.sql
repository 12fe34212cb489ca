-- migrate:up
set lock_timeout = '5s';

create table pending_notice (
    account_id uuid not null,
    notice_id uuid not null,
    sealed_notice bytea not null,
    attempt_count int not null default 0,
    next_attempt_time timestamptz not null,
    create_time timestamptz not null,
    expire_time timestamptz not null,
    primary key (account_id, notice_id)
);
create index pending_notice_due on pending_notice (next_attempt_time);
comment on table pending_notice is
    'Notices that challenge has not taken yet, sealed. next_attempt_time is also the end of the lease of an attempt under way.';

-- migrate:down
set lock_timeout = '5s';
drop table pending_notice;
