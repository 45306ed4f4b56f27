-- Parts belong to one writing of a snapshot, which its row names: two starts that write the snapshot of the same place
-- do not touch each other's parts. What was written before is dropped; the book is folded once more.
drop table book_snapshot_parts;
delete from book_snapshots;
alter table book_snapshots add column writing uuid not null;

create table book_snapshot_parts (
  writing uuid not null,
  part integer not null,
  stream text collate "C" not null,
  sequence bigint not null,
  bytes bytea not null,
  primary key (writing, part)
);
alter table book_snapshot_parts alter column bytes set storage external;
-- Those of a writing that was broken off go when newer snapshots come.
create index book_snapshot_parts_by_place on book_snapshot_parts (stream, sequence);
