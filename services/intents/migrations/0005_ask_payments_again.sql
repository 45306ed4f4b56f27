-- Before, a payment that was not decided after four days was asked about no more. Now that goes on for a year: those that
-- were given up are due at once, because their providers may have taken the money since.
insert into payment_checks (transaction_id, attempts, check_at)
select transaction_id, 100, updated_at
from payments_v1
-- Neither taken, nor refused by the provider before it knew of it.
where amount_received is null and (status <> 'failed' or reference is not null)
on conflict do nothing;
