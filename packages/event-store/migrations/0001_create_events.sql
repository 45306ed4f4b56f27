-- The log: one row an append. Its events lie in arrays, so that a thousand cost one row, two index entries and one pass
-- over their bytes. Readers follow (tx, position) below pg_snapshot_xmin, because rows become visible out of order.
create table appends (
  tx xid8 not null default pg_current_xact_id(),
  -- Place of the first event; the row owns the 65,536 places from here, one for each event it may hold.
  position bigint generated always as identity (start with 65536 increment by 65536),
  first_revision bigint not null check (first_revision >= 0),
  last_revision bigint not null generated always as (first_revision + count - 1) stored,
  recorded_at timestamptz not null default clock_timestamp(),
  count integer not null check (count between 1 and 65536),
  stream text collate "C" not null,
  ids uuid[] not null,
  types text[] collate "C" not null,
  versions integer[] not null,
  payloads bytea[] not null,
  metadata json[] not null,
  constraint appends_stream_revision_key unique (stream, first_revision) include (last_revision),
  -- One dimension, counted from 1, as many elements as it says.
  constraint appends_arrays_fit check (
    array_dims(ids) = '[1:' || count || ']'
    and array_dims(types) = array_dims(ids)
    and array_dims(versions) = array_dims(ids)
    and array_dims(payloads) = array_dims(ids)
    and array_dims(metadata) = array_dims(ids)
  )
);

create unique index appends_order on appends (tx, position) include (count);

-- Compressing costs more time than all the rest of an append, and hashes and random ids do not get smaller by it.
alter table appends
  alter column ids set storage external,
  alter column types set storage external,
  alter column versions set storage external,
  alter column payloads set storage external,
  alter column metadata set storage external;

-- What SQL reads: one row an event. A filter on `stream` uses the index, one on `revision` does not: for a part of a
-- stream there is stream_events.
create view events as
  select a.tx, a.position + e.n - 1 as position, a.first_revision + e.n - 1 as revision, a.recorded_at,
         e.id, e.version, a.stream, e.type, e.payload, e.metadata
    from appends a
   cross join lateral unnest(a.ids, a.versions, a.types, a.payloads, a.metadata)
         with ordinality as e (id, version, type, payload, metadata, n);

-- Events `first` to `last` of a stream, in order. Reads the rows that hold them and no others.
create function stream_events(stream_name text, first bigint, last bigint) returns setof events
language sql stable
begin atomic
  select a.tx, a.position + a.skip + e.n - 1, a.first_revision + a.skip + e.n - 1, a.recorded_at,
         e.id, e.version, a.stream, e.type, e.payload, e.metadata
    from (select *, greatest(stream_events.first - first_revision, 0)::integer as skip,
                 least(stream_events.last - first_revision, 65535)::integer + 1 as upto
            from appends
           where stream = stream_name
             and first_revision between
                 (select coalesce(max(b.first_revision), 0) from appends b
                   where b.stream = stream_name and b.first_revision <= stream_events.first)
                 and stream_events.last
             and last_revision >= stream_events.first) a
   cross join lateral unnest(a.ids[a.skip + 1:a.upto], a.versions[a.skip + 1:a.upto], a.types[a.skip + 1:a.upto],
                             a.payloads[a.skip + 1:a.upto], a.metadata[a.skip + 1:a.upto])
         with ordinality as e (id, version, type, payload, metadata, n)
   order by a.first_revision, e.n;
end;

-- Append-only for everyone, the owner included.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% on % refused: it is append-only', tg_op, tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger appends_append_only
  before update or delete or truncate on appends
  for each statement execute function refuse_change();
