-- The blocks that deposits were in and left, as they were there: one that is still in the cursor, or is in it again, has
-- its deposit in spite of the reversal. Forgotten when the deposit is final.
create table reverted_places_v1 (
  deposit_id uuid not null,
  chain text not null,
  transaction_id text not null,
  index integer not null,
  asset text not null,
  amount numeric(38, 0) not null check (amount > 0 and amount <> 'NaN'),
  address text not null,
  reference text not null,
  tenant_id uuid not null,
  mode text not null,
  block_number bigint not null,
  block_hash text not null,
  primary key (deposit_id, block_hash)
);
create index reverted_places_v1_by_block on reverted_places_v1 (chain, block_number);
