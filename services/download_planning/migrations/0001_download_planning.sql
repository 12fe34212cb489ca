-- migrate:up
set lock_timeout = '2s';

create table catalogue_state (
    id smallint primary key check (id = 1),
    version bigint not null check (version >= 0),
    viewer_count bigint not null check (viewer_count >= 0),
    popularity_time timestamptz not null
);
comment on table catalogue_state is 'One row: the catalogue''s version, which grows with each change, and when popularity was last summed. Reference table.';
insert into catalogue_state (id, version, viewer_count, popularity_time) values (1, 0, 0, '-infinity');

create table title (
    title_id text primary key check (title_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    name text not null check (char_length(name) between 1 and 200),
    kind text not null check (kind in ('MOVIE', 'EPISODE')),
    series_id text not null,
    season_number integer not null check (season_number >= 0),
    episode_number integer not null check (episode_number >= 0),
    genres text[] not null check (cardinality(genres) <= 10),
    maturity_age smallint not null check (maturity_age between 0 and 18),
    duration_ms bigint not null check (duration_ms > 0),
    popularity_prior double precision not null check (popularity_prior between 0 and 1),
    update_time timestamptz not null,
    constraint title_place check (
        (kind = 'MOVIE' and series_id = '' and season_number = 0 and episode_number = 0)
        or (kind = 'EPISODE' and series_id <> '' and season_number > 0 and episode_number > 0)
    )
);
comment on table title is 'The catalogue: films and episodes. Reference table.';

create table rendition (
    title_id text not null references title (title_id) on delete cascade,
    rendition_id text not null,
    size_bytes bigint not null check (size_bytes > 0),
    url text not null,
    primary key (title_id, rendition_id)
);
comment on table rendition is 'Encodings of a title. Reference table.';

create table licence_window (
    title_id text not null references title (title_id) on delete cascade,
    ordinal integer not null,
    country_code text not null check (country_code ~ '^([A-Z]{2})?$'),
    start_time timestamptz not null,
    end_time timestamptz,
    primary key (title_id, ordinal),
    constraint licence_window_order check (end_time is null or end_time > start_time)
);
comment on table licence_window is 'Where (empty: everywhere) and when a title may be shown. Reference table.';

create table title_popularity (
    title_id text primary key,
    viewer_count bigint not null check (viewer_count >= 0)
);
comment on table title_popularity is 'Profiles that watched a title within the popularity window: sums over accounts. Reference table.';

create table viewing (
    account_id uuid not null,
    profile_id uuid not null,
    viewing_id uuid not null,
    title_id text not null,
    device_id text not null,
    state text not null check (state in ('IN_PROGRESS', 'FINISHED', 'ABANDONED')),
    position_ms bigint not null check (position_ms >= 0),
    event_time timestamptz not null,
    record_time timestamptz not null,
    primary key (account_id, profile_id, viewing_id)
);
create index viewing_by_title on viewing (account_id, profile_id, title_id, event_time desc);
create index viewing_by_time on viewing (event_time);
comment on table viewing is 'What a profile watched, an event a row. Distributed by account_id.';

create table download_account (
    account_id uuid primary key
);
comment on table download_account is 'The row that is locked while an account''s download devices are counted. Distributed by account_id.';

create table download_settings (
    account_id uuid not null,
    profile_id uuid not null,
    device_id text not null,
    platform text not null,
    downloads_for_you boolean not null,
    smart_downloads boolean not null,
    budget_bytes bigint not null check (budget_bytes >= 0),
    allow_mobile_data boolean not null,
    update_time timestamptz not null,
    primary key (account_id, profile_id, device_id)
);
comment on table download_settings is 'What a viewer chose for a device. Distributed by account_id.';

create table wanted_state (
    account_id uuid not null,
    profile_id uuid not null,
    device_id text not null,
    plan_id uuid not null,
    generation bigint not null check (generation > 0),
    etag text not null,
    plan bytea not null,
    is_withdrawn boolean not null,
    create_time timestamptz not null,
    primary key (account_id, profile_id, device_id)
);
comment on table wanted_state is 'The newest plan of each device; withdrawn while the device has no standing. Distributed by account_id.';

create table plan_explanation (
    account_id uuid not null,
    plan_id uuid not null,
    profile_id uuid not null,
    device_id text not null,
    explanation bytea not null,
    create_time timestamptz not null,
    primary key (account_id, plan_id)
);
create index plan_explanation_by_time on plan_explanation (create_time);
comment on table plan_explanation is 'What was considered for each plan, kept for the retention time. Distributed by account_id.';

-- migrate:down
set lock_timeout = '2s';

drop table plan_explanation, wanted_state, download_settings, download_account, viewing, title_popularity, licence_window,
    rendition, title, catalogue_state;
