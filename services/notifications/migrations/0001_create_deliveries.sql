-- Read model of src/projections/deliveries.ts.
create table deliveries_v1 (
  delivery_id uuid primary key,
  endpoint_id uuid not null,
  tenant_id uuid not null,
  mode text not null check (mode in ('sandbox', 'live')),
  event text not null,
  subject text not null,
  status text not null check (status in ('pending', 'delivered', 'exhausted')),
  attempts integer not null check (attempts >= 0),
  last_error text,
  next_attempt_at timestamptz,
  created_at timestamptz not null
);
create index deliveries_v1_due on deliveries_v1 (next_attempt_at) where status = 'pending';
create index deliveries_v1_by_endpoint on deliveries_v1 (endpoint_id, created_at desc, delivery_id desc);

-- Deliveries that a worker is sending. A lease that outlives its worker runs out, and the delivery is sent again.
create table delivery_leases (
  delivery_id uuid primary key,
  leased_until timestamptz not null
);

-- What an intent's receivers were last told of it; written by src/consumers/intents.ts with the claim of its message.
create table told_intents (
  intent_id uuid primary key,
  exceptions text[] not null,
  -- The part of the payload that a receiver could act on, as text.
  shown text not null
);
