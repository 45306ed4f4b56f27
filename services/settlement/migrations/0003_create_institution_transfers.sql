-- When the ledger or the institution of a transfer that is not decided is asked next. Written with the read model and by
-- the worker. What transfers are, transactions_v1 lists.
create table transfer_checks (
  transaction_id text primary key,
  attempts integer not null default 0,
  check_at timestamptz not null
);
create index transfer_checks_due on transfer_checks (check_at);

-- Read model of what institutions say in statements, version 1.
create table statement_lines_v1 (
  institution_id uuid not null,
  statement_id text not null,
  line integer not null,
  said text not null,
  -- Null when it is in a currency that is not kept here, or was not said.
  amount numeric(38),
  currency text,
  end_to_end_id text,
  reference text,
  booked_on text,
  reason text,
  -- The transfer that it is about; null, with a problem, when it matches none.
  transaction_id text,
  problem text,
  received_at timestamptz not null,
  primary key (institution_id, statement_id, line)
);
create index statement_lines_v1_newest_first
  on statement_lines_v1 (institution_id, received_at desc, statement_id desc, line desc);

-- The sandbox bank: the other side of a transfer, which needs no account anywhere.
create table sandbox_transfers (
  transfer_id text primary key,
  amount numeric(38) not null,
  status text not null check (status in ('accepted', 'settled', 'rejected', 'returned')),
  -- From then on it has paid out, unless it was told otherwise before.
  settles_at timestamptz not null
);
