-- The worker steps from endpoint to endpoint; across endpoints nobody asks what is due.
create index deliveries_v1_due_by_endpoint on deliveries_v1 (endpoint_id, next_attempt_at, delivery_id) where status = 'pending';
drop index deliveries_v1_due;
-- Each row changes once soon after it is there.
alter table deliveries_v1 set (fillfactor = 80);
