-- The log that carries messages where there is no Kafka. One row of `partitions` is the lock under which its offsets
-- are given out, so that they become visible in order and a reader that has seen one has seen all before it.
create table partitions (
  topic text not null,
  partition integer not null,
  next_offset bigint not null default 0,
  primary key (topic, partition)
);

create table log (
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  key text not null,
  value bytea not null,
  headers json not null,
  created_at timestamptz not null default now(),
  primary key (topic, partition, "offset")
);
