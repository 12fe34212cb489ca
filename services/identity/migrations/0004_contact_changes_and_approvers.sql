-- migrate:up
set lock_timeout = '2s';

create table contact_change (
    account_id uuid not null references account,
    contact_id uuid not null,
    channel text not null check (channel in ('EMAIL', 'TEXT')),
    sealed_destination bytea not null,
    restoring boolean not null default false,
    create_time timestamptz not null,
    claim_time timestamptz,
    done_time timestamptz,
    sealed_former bytea,
    primary key (account_id, contact_id),
    check (done_time is not null or sealed_former is null)
);
create unique index contact_change_waiting on contact_change (account_id, channel) where done_time is null;
comment on table contact_change is
    'New addresses and numbers of owners: one a channel waits for its proof; those done keep, for some days, what stood there before.';
comment on column contact_change.claim_time is 'Since when the address is entered in email_address for this account, though not in use yet.';
comment on column contact_change.restoring is 'An operator gives a former address back.';

create table approver (
    account_id uuid not null references account,
    approver_id uuid not null,
    name text not null check (char_length(name) between 1 and 40),
    channel text not null check (channel in ('EMAIL', 'TEXT')),
    sealed_destination bytea not null,
    profile_id uuid,
    create_time timestamptz not null,
    verify_time timestamptz,
    primary key (account_id, approver_id)
);
comment on table approver is
    'Second adults who get codes and warnings and may approve, once verified; the destination is sealed, bound to account, channel and approver.';

-- migrate:down
drop table approver, contact_change;
