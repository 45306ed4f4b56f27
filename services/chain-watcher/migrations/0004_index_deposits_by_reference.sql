-- What came to a reference, newest news first.
create index deposits_v1_by_reference on deposits_v1 (reference, updated_at);
