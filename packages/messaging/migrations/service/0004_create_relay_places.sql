-- Where the newest publication of each relay lies in the topics: from `first_offset` to before `next_offset`. A topic that
-- ends before that has lost what was published.
create table relay_places (
  relay text not null,
  topic text not null,
  partition integer not null,
  first_offset bigint not null,
  next_offset bigint not null,
  primary key (relay, topic, partition)
);
