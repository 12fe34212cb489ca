-- migrate:up
set lock_timeout = '2s';
create table account (
    account_id integer primary key,
    email_hash text constraint account_email_hash_key unique,
    balance integer not null default 0 constraint account_balance_check check (balance >= 0)
);

-- migrate:down
set lock_timeout = '2s';
drop table account;
