-- Read model of receipts, version 1: every final deposit at an address, and where the part of it is that is not applied to its
-- intent; beside them payments through providers that somebody has to look at.
create table receipts_v1 (
  -- The deposit's id, or the payment's.
  exception_id text primary key,
  kind text not null check (kind in ('receipt', 'payment')),
  tenant_id uuid not null,
  mode text not null,
  -- The intent's id, or the payment's.
  subject text not null,
  asset text not null,
  amount_received numeric(38) not null,
  applied numeric(38) not null,
  -- What is at `place`.
  amount numeric(38) not null,
  -- Null while all of it is applied: then it is no exception.
  place text check (place in ('credited', 'held', 'refundable', 'suspense')),
  reasons text[] not null,
  decided_by text,
  -- Whether somebody has something to do.
  is_open boolean not null,
  chain text,
  transaction_reference text,
  received_at timestamptz not null,
  updated_at timestamptz not null
);

create index receipts_v1_of_subject on receipts_v1 (subject);
create index receipts_v1_open on receipts_v1 (mode, received_at, exception_id) where is_open;
create index receipts_v1_exceptions on receipts_v1 (mode, received_at, exception_id) where place is not null;
