-- migrate:up
set lock_timeout = '2s';

create table password_guess (
    guess_hash bytea not null check (octet_length(guess_hash) = 32),
    holder bytea not null check (octet_length(holder) <= 32),
    begin_time timestamptz not null,
    attempts bigint not null,
    cleared bigint not null check (cleared between 0 and attempts),
    full_time timestamptz not null,
    primary key (guess_hash, holder)
);
create index password_guess_by_time on password_guess (full_time);
comment on table password_guess is
    'Passwords that were tried, by whom: for an address (the hash that email_address has, under the first key), a network or an '
    'account (keyed hashes). On Citus distributed by guess_hash, colocated with email_address. full_time is when every '
    'guess is there again (generic cell rate algorithm); attempts less cleared are those in a row.';
comment on column password_guess.holder is
    'Who shares the counter: strangers (empty), devices from before the present password, a known device (keyed hash), a network.';

alter table credential add column set_device_id text;
comment on column credential.set_device_id is 'The device on which a code allowed it to be set; a known one from then on.';

-- migrate:down
set lock_timeout = '2s';
alter table credential drop column set_device_id;
drop table password_guess;
