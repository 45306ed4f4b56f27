-- What a consumer keeps beside the effects of the messages it handles, in the same schema and the same transaction.

-- The next offset to handle. `alive_at` also moves when a message is retried, so that waiting is not taken for a stall.
create table consumer_offsets (
  group_name text not null,
  topic text not null,
  partition integer not null,
  next_offset bigint not null default 0,
  alive_at timestamptz not null default now(),
  primary key (group_name, topic, partition)
);

-- Every message whose effect is in this schema. Kept for ever: a republication of the whole log must have no effect.
create table inbox (
  group_name text not null,
  message_id uuid not null,
  handled_at timestamptz not null default now(),
  primary key (group_name, message_id)
);

-- Messages that could not be handled, as they came, and those of the same key that wait behind them.
create table parked_messages (
  parked_id bigint generated always as identity primary key,
  group_name text not null,
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  key text not null,
  value bytea,
  headers json not null,
  -- Null for a message that only waits behind another.
  cause text,
  redrives integer not null default 0,
  parked_at timestamptz not null default now(),
  unique (group_name, topic, partition, "offset")
);
create index parked_messages_by_key on parked_messages (group_name, topic, key, parked_id);
