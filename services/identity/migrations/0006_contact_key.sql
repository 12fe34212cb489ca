-- migrate:up
set lock_timeout = '2s';

create table contact_key (
    account_id uuid primary key references account,
    wrapped_key bytea not null,
    key_id bytea not null check (octet_length(key_id) = 8),
    version integer not null default 1 check (version > 0),
    wrap_time timestamptz
);
comment on table contact_key is
    'The key under which an account''s contacts are sealed, itself sealed under a contact key. Without the row its contacts are unreadable for good.';
comment on column contact_key.key_id is 'Which contact key sealed it; a keyed hash, of which nothing can be learned.';
comment on column contact_key.version is 'Grows with each rewrapping, which is a compare-and-set on it.';
comment on column contact_key.wrap_time is 'When it was last wrapped anew; null: not since it was made.';

alter table email_address add column key_id bytea check (octet_length(key_id) = 8);
comment on column email_address.key_id is
    'Which contact key hashed it; null: entered by a release that did not say. `hearthgate identity rotate-keys` fills it in.';

alter table account add column close_time timestamptz;
comment on column account.close_time is 'When retention first saw the account closed; null while it is open, or was not looked at since.';

-- migrate:down
set lock_timeout = '2s';
-- What was sealed under an account's own key would be lost: open it first, with a release that writes the old form.
do $$
begin
    if exists (select from contact_key) then
        raise exception 'contacts are sealed under keys that stand in contact_key';
    end if;
end
$$;
alter table account drop column close_time;
alter table email_address drop column key_id;
drop table contact_key;
