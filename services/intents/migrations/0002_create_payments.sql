-- Read model of payments through providers, version 1: lists, and finding a payment by its provider's reference.
create table payments_v1 (
  transaction_id text primary key,
  number bigint not null unique,
  tenant_id uuid not null,
  mode text not null,
  gateway_id uuid not null,
  gateway_number integer not null,
  provider text not null,
  user_number integer,
  asset text not null,
  amount numeric(38) not null,
  amount_received numeric(38),
  -- Description and metadata, as they are in the events: encrypted.
  encrypted_details text not null,
  status text not null,
  failure text,
  exceptions text[] not null,
  reference text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Revision of the stream that the row shows.
  revision bigint not null
);

create index payments_v1_newest_first on payments_v1 (tenant_id, mode, created_at desc, number desc);
-- Not unique: what a provider answers is the provider's, and must not stop the read model.
create index payments_v1_by_reference on payments_v1 (gateway_id, reference) where reference is not null;

-- The numbers that `partner` shows. This service takes the odd ones, settlement the even ones, so that no number stands
-- for two transactions. A number is in the first event of what it stands for; one that was lost leaves a gap.
create sequence transaction_numbers increment by 2 start with 1;

-- When the provider of a payment that is not decided is asked next. Written with the read model and by the worker.
create table payment_checks (
  transaction_id text primary key,
  attempts integer not null default 0,
  check_at timestamptz not null
);
create index payment_checks_due on payment_checks (check_at);

-- What providers told, by their own event ids. A repeat finds its row.
create table provider_webhooks (
  gateway_id uuid not null,
  event_id text not null,
  reference text,
  -- received: not applied yet; quarantined: about nothing that is known here.
  outcome text not null check (outcome in ('received', 'applied', 'quarantined')),
  received_at timestamptz not null,
  primary key (gateway_id, event_id)
);

-- The sandbox provider: the other side of a payment, which needs no account anywhere.
create table sandbox_payments (
  reference text primary key,
  amount numeric(38) not null,
  status text not null check (status in ('open', 'succeeded', 'failed'))
);

-- Read model of gateways, version 1: where the webhook of a provider belongs.
create table gateways_v1 (
  gateway_id uuid primary key,
  tenant_id uuid not null,
  mode text not null,
  number integer not null
);
