-- migrate:up
set lock_timeout = '2s';

-- The purposes are named in the contract; here only their form is held, so that a new one needs no migration.
alter table challenge drop constraint challenge_purpose_check;
alter table challenge add constraint challenge_purpose_check check (purpose ~ '^[a-z_]{1,40}$');

-- migrate:down
set lock_timeout = '2s';

delete from challenge where purpose = 'profile_transfer';
alter table challenge drop constraint challenge_purpose_check;
alter table challenge add constraint challenge_purpose_check
    check (purpose in ('confirm_household', 'confirm_owner', 'sign_up', 'password_reset'));
