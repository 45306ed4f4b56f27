-- What of a payment's money went back to its payer; null until something did.
alter table payments_v1
  add column amount_refunded numeric(38),
  add column amount_charged_back numeric(38),
  add column disputed boolean not null default false;

-- The money is taken: what there is to learn from the provider is whether some of it went back.
alter table payment_checks add column taken boolean not null default false;

-- Nobody has asked about those since. What went back of older ones stays unknown, unless the provider tells of it.
insert into payment_checks (transaction_id, provider, mode, taken, check_at)
select transaction_id, provider, mode, true, updated_at
from payments_v1
where amount_received is not null and updated_at > now() - interval '255 days'
on conflict do nothing;

-- The sandbox provider: what its merchant and its payers' banks gave back.
alter table sandbox_payments
  add column refunded numeric(38) not null default 0,
  add column charged_back numeric(38) not null default 0;
