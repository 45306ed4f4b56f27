-- What bounds the memory of a book and the time to start it. Everything here follows from the journal and may be deleted.

-- Where ids were recorded: one row for 65,536 events, sorted by hash, eight bytes an id (src/adapters/record-index.ts).
create table book_records (
  stream text collate "C" not null,
  first_sequence bigint not null check (first_sequence % 65536 = 0),
  count integer not null,
  entries bytea not null check (octet_length(entries) = count * 8),
  primary key (stream, first_sequence)
);
alter table book_records alter column entries set storage external;

-- States of books (src/adapters/book-snapshot.ts). A snapshot is there when its row is; its parts come before.
create table book_snapshots (
  stream text collate "C" not null,
  sequence bigint not null,
  head text not null,
  state_hash text not null,
  unstored bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (stream, sequence)
);

create table book_snapshot_parts (
  stream text collate "C" not null,
  sequence bigint not null,
  part integer not null,
  bytes bytea not null,
  primary key (stream, sequence, part)
);
alter table book_snapshot_parts alter column bytes set storage external;
