-- migrate:up
set lock_timeout = '2s';

create table my_list (
    account_id uuid not null,
    profile_id uuid not null,
    title_id text not null check (title_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    add_time timestamptz not null,
    primary key (account_id, profile_id, title_id)
);
comment on table my_list is 'What a viewer wants to come back to; it moves with the profile. Distributed by account_id.';

-- migrate:down
set lock_timeout = '2s';

drop table my_list;
