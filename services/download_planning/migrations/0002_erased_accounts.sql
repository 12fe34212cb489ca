-- migrate:up
set lock_timeout = '2s';

create table erased_account (
    account_hash bytea primary key check (octet_length(account_hash) = 32),
    erase_time timestamptz not null
);
comment on table erased_account is 'Hashes of accounts that were erased lately, of which nothing that comes late is kept. Reference table.';

-- migrate:down
set lock_timeout = '2s';

drop table erased_account;
