-- migrate:up
set lock_timeout = '2s';

-- Erasing an account finds by these what names it under other keys than its own.
create index email_address_account on email_address (account_id);
create index sign_up_account on sign_up (account_id);
create index profile_moving_to on profile (moving_to_account_id) where moving_to_account_id is not null;
create index account_move_source on account (move_source_account_id) where move_source_account_id is not null;
create index account_pending on account (create_time) where state = 'PENDING';

-- migrate:down
drop index account_pending;
drop index account_move_source;
drop index profile_moving_to;
drop index sign_up_account;
drop index email_address_account;
