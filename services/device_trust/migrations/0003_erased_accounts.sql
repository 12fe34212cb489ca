-- migrate:up
set lock_timeout = '2s';

create table erased_account (
  account_hash bytea not null,
  erase_time timestamptz not null,
  primary key (account_hash),
  constraint erased_account_hash_length check (octet_length(account_hash) = 32)
);
comment on table erased_account is 'Hashes of accounts that were erased lately, of which nothing that comes late is kept. On Citus a reference table.';

-- migrate:down
set lock_timeout = '2s';

drop table erased_account;
