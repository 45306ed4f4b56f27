-- What of a payment's money went back to its payer; null until something did.
alter table payments_v1
  add column amount_refunded numeric(38),
  add column amount_charged_back numeric(38),
  add column disputed boolean not null default false;

-- The sandbox provider: what its merchant and its payers' banks gave back.
alter table sandbox_payments
  add column refunded numeric(38) not null default 0,
  add column charged_back numeric(38) not null default 0;

-- Of money that was taken: when its provider is asked next what went back of it. Written below and by the worker.
create table payment_return_checks (
  transaction_id text primary key,
  -- When the money was taken.
  since timestamptz not null,
  check_at timestamptz not null
);
create index payment_return_checks_due on payment_return_checks (check_at);

-- Here and not in the read model, because processes of the build before this one, which go on while they are replaced, write
-- payments and know nothing of this table.
create function follow_returns() returns trigger language plpgsql as $$
begin
  insert into payment_return_checks (transaction_id, since, check_at)
  values (new.transaction_id, new.updated_at, new.updated_at + interval '1 day')
  on conflict do nothing;
  return null;
end
$$;
create trigger payments_v1_taken_at_once
  after insert on payments_v1
  for each row when (new.amount_received is not null) execute function follow_returns();
create trigger payments_v1_taken
  after update of amount_received on payments_v1
  for each row when (old.amount_received is null and new.amount_received is not null) execute function follow_returns();
