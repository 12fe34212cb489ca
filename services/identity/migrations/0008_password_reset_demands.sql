-- migrate:up
set lock_timeout = '2s';

create table password_reset_demand (
    account_id uuid not null references account,
    demand_id uuid not null,
    reason text not null check (reason in ('NOT_ME', 'BY_OPERATOR')),
    demand_time timestamptz not null,
    settle_time timestamptz,
    primary key (account_id, demand_id)
);
comment on table password_reset_demand is
    'Resets that were demanded; while one is not settled the password opens no session. A demand that comes again counts once.';

-- migrate:down
set lock_timeout = '2s';
drop table password_reset_demand;
