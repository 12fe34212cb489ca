-- migrate:up
set lock_timeout = '2s';

alter table erasure add column fence bigint not null default 0;
comment on column erasure.fence is
    'Grows with whoever takes the erasure in hand; who comes with an earlier one has lost it, here and in identity.';

-- Erasing an account finds by these what names it in other accounts' rows.
create index own_account_made on own_account (target_account_id);
create index own_account_target_source on own_account_target (source_account_id);

-- migrate:down
set lock_timeout = '2s';
drop index own_account_target_source;
drop index own_account_made;
alter table erasure drop column fence;
