-- Read model of settlements, version 1: which are open, and since when.
create table settlements_v1 (
  settlement_id uuid primary key,
  intent_id uuid not null,
  tenant_id uuid not null,
  mode text not null,
  asset text not null,
  amount numeric(38) not null,
  status text not null,
  ledger_reference text,
  instructed_at timestamptz not null,
  completed_at timestamptz
);

create index settlements_v1_by_intent on settlements_v1 (intent_id);
create index settlements_v1_open on settlements_v1 (instructed_at) where status = 'instructed';
