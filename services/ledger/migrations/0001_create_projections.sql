-- Read models of the journal. Each row names the event it comes from: `mode` is the book, `sequence` the event's place
-- in it, from 0, without gaps. Amounts are minor units.

create table accounts_v1 (
  mode text not null,
  -- By bytes, so that pages have the same order everywhere.
  account_id text collate "C" not null,
  tenant_id uuid,
  asset text not null,
  type text not null,
  floor numeric,
  posted numeric not null,
  held numeric not null check (held >= 0),
  incoming numeric not null check (incoming >= 0),
  frozen boolean not null,
  -- Entries so far.
  version bigint not null,
  opened_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  opened_sequence bigint not null,
  last_sequence bigint not null,
  primary key (mode, account_id)
);
create index accounts_v1_by_tenant on accounts_v1 (mode, tenant_id, account_id);

create table transfers_v1 (
  mode text not null,
  transfer_id text not null,
  debit_tenant_id uuid not null,
  debit_account_id text not null,
  credit_tenant_id uuid not null,
  credit_account_id text not null,
  asset text not null,
  amount numeric(38, 0) not null check (amount > 0),
  reference_id text not null,
  -- Encrypted as it is in the event.
  note text,
  status text not null,
  failure text,
  ledger_reference text,
  accepted_at timestamptz(3) not null,
  confirmed_at timestamptz(3),
  accepted_sequence bigint not null,
  last_sequence bigint not null,
  primary key (mode, transfer_id)
);
create index transfers_v1_by_debit on transfers_v1 (mode, debit_account_id, accepted_sequence);
create index transfers_v1_by_credit on transfers_v1 (mode, credit_account_id, accepted_sequence);

create table transactions_v1 (
  mode text not null,
  sequence bigint not null,
  transaction_id text not null,
  tenant_id uuid,
  cause_type text not null,
  cause_id text not null,
  subject text not null,
  rule text not null,
  ledger_reference text not null,
  effective_at timestamptz(3) not null,
  posted_at timestamptz(3) not null,
  primary key (mode, sequence),
  unique (mode, transaction_id)
);
create index transactions_v1_by_subject on transactions_v1 (mode, subject, sequence);

create table entries_v1 (
  mode text not null,
  sequence bigint not null,
  entry_index int not null,
  transaction_id text not null,
  account_id text not null,
  tenant_id uuid,
  asset text not null,
  direction text not null check (direction in ('debit', 'credit')),
  amount numeric(38, 0) not null check (amount > 0 and amount <> 'NaN'),
  -- The account's balance, on its normal side, and its number of entries after this one.
  balance numeric not null,
  account_version bigint not null,
  posted_at timestamptz(3) not null,
  primary key (mode, sequence, entry_index),
  unique (mode, account_id, account_version)
);
create index entries_v1_by_tenant on entries_v1 (mode, tenant_id, sequence);
