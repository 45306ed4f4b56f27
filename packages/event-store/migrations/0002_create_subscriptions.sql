-- One row a reader of the log. It moves in the transaction of the effects, and counts what was applied.
create table subscriptions (
  name text primary key,
  version text not null,
  position text not null,
  applied_count bigint not null default 0,
  -- Exclusive or of the ids of all events applied: bit_xor over the log gives the same.
  applied_hash bit(128) not null default repeat('0', 128)::bit(128),
  updated_at timestamptz not null default clock_timestamp()
);
