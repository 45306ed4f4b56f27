-- Read model of intents, version 1: lists and the deadlines of the expiry worker.
create table intents_v1 (
  intent_id uuid primary key,
  tenant_id uuid not null,
  mode text not null,
  order_id text not null,
  currency text not null,
  asset text not null,
  amount numeric(38) not null,
  amount_received numeric(38) not null,
  amount_applied numeric(38) not null,
  amount_refundable numeric(38) not null,
  status text not null,
  exceptions text[] not null,
  payment_address text not null,
  transaction_hash text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  verified_at timestamptz,
  -- Revision of the stream that the row shows.
  revision bigint not null
);

create index intents_v1_newest_first on intents_v1 (tenant_id, mode, created_at desc, intent_id desc);
create index intents_v1_by_order on intents_v1 (tenant_id, mode, order_id);
-- What time alone can end: nothing is in flight in these two.
create index intents_v1_deadlines on intents_v1 (expires_at, intent_id) where status in ('pending', 'partially_paid');
