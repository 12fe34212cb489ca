-- migrate:up
set lock_timeout = '2s';

create table profile_pin (
    account_id uuid not null,
    profile_id uuid not null,
    pin_hash text not null,
    set_time timestamptz not null,
    attempts integer not null check (attempts >= 0),
    window_time timestamptz not null,
    primary key (account_id, profile_id),
    foreign key (account_id, profile_id) references profile
);
comment on table profile_pin is 'The Argon2id hash of a profile''s PIN, and the attempts at it since window_time. It stays behind when the profile moves.';

alter table profile add column return_time timestamptz;
comment on column profile.return_time is 'When it went back to the account it had come from; it never moves here again.';

-- The reasons are named in the contract; here only their form is held, so that a new one needs no migration.
alter table session drop constraint session_end_reason_check;
alter table session add constraint session_end_reason_check check (end_reason ~ '^[A-Z_]{1,40}$');

-- migrate:down
set lock_timeout = '2s';

update session set end_reason = 'ACCOUNT_CLOSED' where end_reason = 'MOVED_BACK';
alter table session drop constraint session_end_reason_check;
alter table session add constraint session_end_reason_check
    check (end_reason in ('SIGNED_OUT', 'SIGNED_OUT_EVERYWHERE', 'DEVICE_REVOKED', 'PASSWORD_CHANGED', 'EXPIRED',
        'SUPERSEDED', 'TOKEN_REUSED', 'ACCOUNT_CLOSED', 'MOVED_AWAY'));
alter table profile drop column return_time;
drop table profile_pin;
