-- The sets of tables that the read models have been built into, each in a schema of its own. Views of this schema show the
-- live one.
create table projection_generations (
  number integer primary key check (number > 0),
  state text not null check (state in ('building', 'live', 'old', 'dropped')),
  -- What the tables are made of.
  versions text not null,
  -- Of the views that are made with the tables' own.
  views text not null default '',
  -- Its row in subscriptions.
  checkpoint text not null unique,
  created_at timestamptz not null default clock_timestamp(),
  live_at timestamptz,
  retired_at timestamptz,
  dropped_at timestamptz
);
create unique index projection_generations_live on projection_generations (state) where state = 'live';
create unique index projection_generations_building on projection_generations (state) where state = 'building';
