-- What went out of tenants' balances, version 1: sends and transfers through institutions, in one list. Each row is written
-- by the read model of its kind.
create table transactions_v1 (
  transaction_id text primary key,
  number bigint not null unique,
  tenant_id uuid not null,
  mode text not null,
  type text not null check (type in ('withdrawal', 'transfer', 'settlement')),
  asset text not null,
  amount numeric(38) not null,
  status text not null,
  user_number integer,
  -- JSON with the description, as it is in the events: encrypted.
  encrypted_details text not null,
  -- Of a transfer.
  institution_number integer,
  -- Of a send.
  hash text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Revision of the stream that the row shows.
  revision bigint not null
);

create index transactions_v1_newest_first on transactions_v1 (tenant_id, mode, created_at desc, number desc);

-- The numbers that `partner` shows. intents takes the odd ones, this service the even ones, so that no number stands for
-- two transactions. A number is in the first event of what it stands for; one that was lost leaves a gap.
create sequence transaction_numbers increment by 2 start with 2;

-- When a send that is not done is looked at next. Written with the read model and by the worker.
create table send_checks (
  transaction_id text primary key,
  wallet_id uuid not null,
  attempts integer not null default 0,
  check_at timestamptz not null
);
create index send_checks_due on send_checks (check_at);

-- Read model of hot wallets, version 1, for reconciliation.
create table wallets_v1 (
  wallet_id uuid primary key,
  tenant_id uuid not null,
  mode text not null,
  chain text not null,
  family text not null,
  index integer not null,
  address text not null,
  public_key text not null,
  fee_asset text not null,
  -- What can be sent from it.
  assets text[] not null
);
