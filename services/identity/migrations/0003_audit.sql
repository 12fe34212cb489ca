-- migrate:up
set lock_timeout = '2s';

create table audit_subject (
    account_id uuid primary key references account,
    subject_id uuid not null,
    salt bytea not null check (octet_length(salt) = 32),
    sequence bigint not null check (sequence >= 0),
    head_hash bytea not null check (octet_length(head_hash) = 32),
    anchored_sequence bigint not null
);
create index audit_subject_by_subject on audit_subject (subject_id);
create index audit_subject_not_anchored on audit_subject (account_id) where sequence > anchored_sequence;
comment on table audit_subject is
    'Whose audit chain is whose, where it ends, and the salt of its pseudonyms. An erased account loses its row, and the chain its name.';

create table audit_event (
    subject_id uuid not null,
    sequence bigint not null check (sequence >= 1),
    kind text not null check (char_length(kind) between 1 and 40),
    event_time timestamptz not null,
    actor text not null,
    device bytea not null,
    session bytea not null,
    object bytea not null,
    details text not null check (octet_length(details) <= 1000),
    previous_hash bytea not null check (octet_length(previous_hash) = 32),
    key_id bytea not null,
    hash bytea not null check (octet_length(hash) = 32),
    primary key (subject_id, sequence)
);
comment on table audit_event is
    'What happened, in a chain for each subject; append-only for the app role. Devices, sessions and objects are pseudonyms. On Citus distributed by subject_id.';

create table audit_closed_subject (
    subject_id uuid primary key,
    sequence bigint not null,
    head_hash bytea not null check (octet_length(head_hash) = 32),
    anchored_sequence bigint not null,
    close_time timestamptz not null
);
create index audit_closed_subject_not_anchored on audit_closed_subject (subject_id) where sequence > anchored_sequence;
comment on table audit_closed_subject is 'Where the chains of erased accounts end. Colocated with audit_event.';

create table audit_anchor (
    number bigint primary key check (number >= 1),
    anchor_time timestamptz not null,
    record text not null
);
comment on table audit_anchor is
    'Signed roots over the heads of chains, as they are also written outside. Append-only for the app role. On Citus a reference table.';

create table audit_anchor_leaf (
    subject_id uuid not null,
    batch_id uuid not null,
    sequence bigint not null,
    hash bytea not null check (octet_length(hash) = 32),
    primary key (subject_id, batch_id)
);
create index audit_anchor_leaf_by_batch on audit_anchor_leaf (batch_id, subject_id);
comment on table audit_anchor_leaf is
    'The heads that an anchor was made over; its record names the batch. A batch that no anchor names was given up. Colocated with audit_event.';

-- The service's role may do everything with the tables of its database (default privileges). Not with these: whatever
-- its name is, it only adds.
do $$
declare
    app text;
begin
    for app in
        select distinct a.grantee::regrole::text
        from pg_class c, aclexplode(c.relacl) a
        where c.oid = 'audit_event'::regclass and a.grantee <> c.relowner and a.grantee <> 0
    loop
        execute format('revoke update, delete, truncate on audit_event, audit_anchor, audit_anchor_leaf from %s', app);
        execute format('revoke delete, truncate on audit_closed_subject from %s', app);
    end loop;
end
$$;

-- migrate:down
drop table audit_anchor_leaf, audit_anchor, audit_closed_subject, audit_event, audit_subject;
