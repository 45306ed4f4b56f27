-- The Merkle tree over the events of each book, and its signed checkpoints: both are functions of the journal, kept so
-- that a proof needs a few rows and not the whole book. Rows are only ever added.

create table merkle_nodes (
  mode text not null,
  -- A subtree of 2^level leaves, complete; levels 8, 16, 24 and so on. What is below is computed from the events.
  level smallint not null check (level > 0 and level % 8 = 0),
  -- Of its level, from 0, without gaps.
  index bigint not null,
  hash bytea not null check (length(hash) = 32),
  primary key (mode, level, index)
);

create table signed_checkpoints (
  mode text not null,
  -- Events that it covers, from the first.
  size bigint not null,
  -- Of the event that records it.
  sequence bigint not null,
  -- What is signed, and the signature in base64.
  checkpoint text not null,
  signature text not null,
  -- It names the key that signs what comes after it.
  changes_key boolean not null,
  primary key (mode, size),
  check (size <= sequence)
);
create index signed_checkpoints_changing_key on signed_checkpoints (mode, size) where changes_key;
