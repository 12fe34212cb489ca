-- migrate:up
set lock_timeout = '2s';

alter table session
    add column device_key bytea check (octet_length(device_key) = 32),
    alter column session_digest drop not null;
drop index session_token;
comment on column session.device_key is 'Ed25519 public key of the device, which signs each exchange of its refresh token.';
comment on column session.session_digest is 'Not written any more: session tokens are signed. To be dropped.';

alter table spent_refresh_token
    add column request_id uuid,
    add column next_digest bytea;
comment on column spent_refresh_token.request_id is 'The exchange''s request id: a repeat of it is a lost answer, not a second holder.';
comment on column spent_refresh_token.next_digest is 'The refresh token given for it; once that was spent too, this one coming again means two holders.';

create table spent_key_proof (
    account_id uuid not null references account,
    proof_digest bytea not null,
    session_id uuid not null,
    spend_time timestamptz not null,
    primary key (account_id, proof_digest)
);
comment on table spent_key_proof is 'Signatures of device keys that were taken; one that comes again is refused. The digest is over token and nonce.';

alter table credential add column version integer not null default 1;
comment on column credential.version is 'Grows with each password: a sign-in that checked an earlier one opens no session.';

-- migrate:down
set lock_timeout = '2s';
delete from session where session_digest is null;
alter table session drop column device_key, alter column session_digest set not null;
create unique index session_token on session (account_id, session_digest);
drop table spent_key_proof;
alter table spent_refresh_token drop column request_id, drop column next_digest;
alter table credential drop column version;
