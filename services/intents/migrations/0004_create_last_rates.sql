-- The last good rate of each pair: what a source says is compared with it, and it is used again while it is recent. A rate
-- that was used stands in the event of its quote.
create table last_rates (
  mode text not null,
  from_asset text not null,
  to_asset text not null,
  numerator numeric not null,
  denominator numeric not null,
  sources text[] not null,
  observed_at timestamptz not null,
  primary key (mode, from_asset, to_asset)
);
