-- The log. Readers follow (tx, position) below pg_snapshot_xmin, because positions become visible out of order.
create table events (
  tx xid8 not null default pg_current_xact_id(),
  position bigint generated always as identity,
  revision bigint not null check (revision >= 0),
  recorded_at timestamptz not null default clock_timestamp(),
  id uuid not null,
  version integer not null check (version >= 1),
  stream text collate "C" not null,
  type text collate "C" not null,
  payload bytea not null,
  metadata json not null,
  constraint events_stream_revision_key unique (stream, revision),
  constraint events_id_key unique (id)
);

create unique index events_order on events (tx, position);

-- Append-only for everyone, the owner included.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% on % refused: it is append-only', tg_op, tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger events_append_only
  before update or delete or truncate on events
  for each statement execute function refuse_change();
