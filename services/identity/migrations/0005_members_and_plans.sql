-- migrate:up
set lock_timeout = '2s';

alter table plan
    add column quality text not null default 'HD' check (quality in ('SD', 'HD', 'FULL_HD', 'UHD')),
    add column orderable boolean not null default true;
comment on column plan.quality is 'The best picture that is paid for.';
comment on column plan.orderable is 'Whether an account may be given it; the one for extra members comes by invitation alone.';

update plan set quality = 'FULL_HD' where plan_id = 'standard';
update plan set quality = 'UHD' where plan_id = 'premium';
insert into plan (plan_id, max_streams, max_download_devices, extra_member_slots, quality, orderable)
values ('extra-member', 1, 1, 0, 'HD', false);

create table extra_member (
    account_id uuid not null references account,
    member_id uuid not null,
    slot integer not null check (slot between 1 and 100),
    state text not null check (state in ('INVITED', 'ACTIVE', 'REMOVED')),
    sealed_email bytea,
    member_account_id uuid,
    invite_time timestamptz not null,
    expire_time timestamptz not null,
    accept_time timestamptz,
    remove_time timestamptz,
    version bigint not null default 0,
    told boolean not null default true,
    primary key (account_id, member_id),
    check ((state = 'REMOVED') = (remove_time is not null)),
    check ((state = 'REMOVED') = (sealed_email is null)),
    check (state <> 'ACTIVE' or (member_account_id is not null and accept_time is not null))
);
create unique index extra_member_slot on extra_member (account_id, slot) where state <> 'REMOVED';
create index extra_member_untold on extra_member (account_id) where not told;
create index extra_member_invited on extra_member (expire_time) where state = 'INVITED';
create index extra_member_removed on extra_member (remove_time) where state = 'REMOVED';
comment on table extra_member is
    'A host''s places for extra members: who is invited, who watches. The address is sealed, and forgotten with the membership.';
comment on column extra_member.version is 'Grows with each change that the member''s account has to hear of; a lower one comes too late.';
comment on column extra_member.told is 'Whether the member''s account has heard of the newest change.';

create table invitation (
    account_id uuid not null references account,
    invite_digest bytea not null check (octet_length(invite_digest) = 32),
    member_id uuid not null,
    primary key (account_id, invite_digest)
);
comment on table invitation is 'The tokens that open an invitation, of which only SHA-256 digests are kept; a repeated request adds one.';

create table membership (
    account_id uuid primary key references account,
    host_account_id uuid not null,
    member_id uuid not null,
    state text not null check (state in ('PENDING', 'ACTIVE', 'REMOVED')),
    host_state text not null check (host_state in ('ACTIVE', 'ON_HOLD', 'CLOSED')),
    host_quality text not null check (host_quality in ('SD', 'HD', 'FULL_HD', 'UHD')),
    version bigint not null default 0,
    host_told boolean not null default true
);
create index membership_host_untold on membership (account_id) where not host_told;
comment on table membership is
    'The member''s side of a place: a copy of what its host''s account told last, so that a start looks at one account alone.';
comment on column membership.host_told is 'False once the member took a plan of its own, until the host''s place is free.';

-- migrate:down
set lock_timeout = '2s';

drop table membership, invitation, extra_member;
-- Whoever was an extra member keeps an account; without the plan it is on the least one, on hold.
update account set plan_id = 'basic', state = case when state = 'ACTIVE' then 'ON_HOLD' else state end
where plan_id = 'extra-member';
delete from plan where plan_id = 'extra-member';
alter table plan drop column orderable, drop column quality;
