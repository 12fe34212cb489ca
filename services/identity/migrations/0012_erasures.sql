-- migrate:up
set lock_timeout = '2s';

alter table account
    add column state_before_erasure text check (state_before_erasure in ('PENDING', 'ACTIVE', 'ON_HOLD', 'CLOSED')),
    add column erasure_fence bigint not null default 0;
comment on column account.state_before_erasure is
    'The account''s own state before it was closed to be erased, which it has again when that is called off; null: it is not to be erased.';
comment on column account.erasure_fence is 'The latest turn of an erasure that closed or reopened the account; an earlier one comes too late.';

-- Erasing an account, and purging a sign-up, find by these what names it in other accounts' rows.
create index membership_host on membership (host_account_id);
create index extra_member_account on extra_member (member_account_id) where member_account_id is not null;

-- migrate:down
set lock_timeout = '2s';
drop index extra_member_account;
drop index membership_host;
alter table account drop column erasure_fence, drop column state_before_erasure;
