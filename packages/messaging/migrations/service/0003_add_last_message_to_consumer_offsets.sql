-- Tells the message before the place from any other: a topic that was made anew may be longer than the place by the time
-- somebody looks, and what it has before the place was never handled.
alter table consumer_offsets add column last_message text;
