-- What an address holds at a final block beyond what its deposits explain (below zero: what it lacks): coin that came in no
-- transaction's body, or a deposit that was missed. The newest finding; none while balance and deposits agree.
create table unexplained_balances (
  chain text not null,
  address text not null,
  asset text not null,
  amount numeric(38, 0) not null check (amount <> 0 and amount <> 'NaN'),
  block_number bigint not null,
  found_at timestamptz not null,
  primary key (chain, address)
);

-- What the deposits of an address come to.
create index deposits_v1_by_address on deposits_v1 (chain, address);
