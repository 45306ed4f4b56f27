-- Of its own, because nothing may write payments while 0007 holds its locks. What went back of earlier payments was never asked
-- for; they are spread over a week, so that no provider is asked about all of them at once.
insert into payment_return_checks (transaction_id, since, check_at)
select transaction_id, updated_at, now() + random() * interval '7 days'
from payments_v1
where amount_received is not null and updated_at > now() - interval '255 days'
on conflict do nothing;
