-- What a parked message says it is, for the operators who look at what is parked. Null when it could not be read.
alter table parked_messages add column type text;
