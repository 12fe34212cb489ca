-- migrate:up
set lock_timeout = '2s';

create table contact_change (
    account_id uuid not null,
    change_id uuid not null,
    kind text not null check (kind in ('CONTACT', 'APPROVER')),
    contact_id uuid not null,
    challenge_id uuid not null,
    device_id text not null,
    body_digest bytea not null,
    expire_time timestamptz not null,
    primary key (account_id, change_id)
);
create index contact_change_expire_time on contact_change (expire_time);
comment on table contact_change is
    'New contacts and approvers that wait for their code; challenge_id is random where the address is taken and no code was sent';

-- migrate:down
drop table contact_change;
