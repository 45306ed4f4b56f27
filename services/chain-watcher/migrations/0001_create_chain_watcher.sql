-- One row a chain: what identifies it. A node that shows another genesis serves another chain.
create table cursors (
  chain text primary key,
  genesis_hash text not null
);

-- The newest blocks that were scanned, linked by hash. Older ones are forgotten, the newest never.
create table cursor_blocks (
  chain text not null references cursors,
  number bigint not null,
  hash text not null,
  parent_hash text not null,
  primary key (chain, number)
);

-- Places under the address keys, taken before an address is derived. A place is never given again, also when its
-- address was not allocated in the end.
create table address_places (
  family text not null,
  index integer not null check (index >= 0),
  reference text not null,
  primary key (family, index),
  unique (family, reference)
);

create table addresses_v1 (
  -- Order of allocation: readers ask for what is newer than the last they saw.
  id bigint generated always as identity primary key,
  reference text not null unique,
  chain text not null,
  address text not null,
  family text not null,
  index integer,
  asset text not null,
  tenant_id uuid not null,
  mode text not null,
  allocated_at timestamptz not null,
  unique (chain, address),
  unique (family, index)
);
create index addresses_v1_by_address on addresses_v1 (address);
create index addresses_v1_by_chain on addresses_v1 (chain, id);

create table deposits_v1 (
  deposit_id uuid primary key,
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
  status text not null check (status in ('seen', 'confirmed', 'reverted')),
  updated_at timestamptz not null,
  unique (chain, transaction_id, index)
);
create index deposits_v1_by_block on deposits_v1 (chain, block_number) where status <> 'reverted';
create index deposits_v1_seen on deposits_v1 (chain, block_number) where status = 'seen';

-- The simulated chains. Their blocks are as hash-linked as those of a real one.
create table sandbox_chains (
  chain text primary key,
  -- Reorganisations so far. Part of every block's hash, so that a block mined again is another block.
  forks integer not null default 0
);

create table sandbox_blocks (
  chain text not null references sandbox_chains,
  number bigint not null,
  hash text not null,
  parent_hash text not null,
  primary key (chain, number)
);

create table sandbox_transfers (
  chain text not null references sandbox_chains,
  deposit_key text not null,
  transaction_id text not null,
  asset text not null,
  address text not null,
  amount numeric(38, 0) not null check (amount > 0 and amount <> 'NaN'),
  -- Null while the transfer is in no block: dropped by a reorganisation.
  block_number bigint,
  primary key (chain, deposit_key),
  unique (chain, transaction_id)
);
create index sandbox_transfers_by_block on sandbox_transfers (chain, block_number);
