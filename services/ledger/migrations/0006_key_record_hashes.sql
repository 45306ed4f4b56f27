-- The hashes of a book's record index have a secret key, so that no caller can choose ids whose hashes lie together. What
-- was written without one is dropped; the book is folded once more.
create table book_record_keys (
  stream text collate "C" primary key,
  key bytea not null check (octet_length(key) = 8)
);
delete from book_records;
delete from book_snapshots;
delete from book_snapshot_parts;
