-- migrate:up
set lock_timeout = '2s';

create table erased_account (
    account_hash bytea not null check (octet_length(account_hash) = 32),
    erase_time timestamptz not null,
    primary key (account_hash)
);
comment on table erased_account is
    'Hashes of accounts that were erased lately, of which nothing that comes late is kept. On Citus a reference table.';

create index provider_message_account on provider_message (account_id) where account_id is not null;

-- migrate:down
set lock_timeout = '2s';
drop index provider_message_account;
drop table erased_account;
