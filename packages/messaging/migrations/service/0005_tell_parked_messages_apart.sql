-- A topic that was made anew gives the offsets of what is parked to other messages, and these must find room beside it. The
-- same message is still parked once.
alter table parked_messages drop constraint parked_messages_group_name_topic_partition_offset_key;
create unique index parked_messages_once
  on parked_messages (group_name, topic, partition, "offset", key, sha256(coalesce(value, '')));
