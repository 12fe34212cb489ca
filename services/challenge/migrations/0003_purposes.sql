-- migrate:up
set lock_timeout = '2s';

-- The form only: which purposes there are is the service's to say, so that a new one needs no new constraint.
alter table challenge drop constraint challenge_purpose_check;
alter table challenge add constraint challenge_purpose_check check (purpose ~ '^[a-z_]{1,40}$') not valid;
alter table challenge validate constraint challenge_purpose_check;

-- migrate:down
set lock_timeout = '2s';
delete from challenge where purpose not in ('confirm_household', 'confirm_owner', 'sign_up', 'password_reset');
alter table challenge drop constraint challenge_purpose_check;
alter table challenge add constraint challenge_purpose_check
    check (purpose in ('confirm_household', 'confirm_owner', 'sign_up', 'password_reset')) not valid;
alter table challenge validate constraint challenge_purpose_check;
