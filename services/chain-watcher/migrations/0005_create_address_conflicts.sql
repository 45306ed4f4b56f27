-- Addresses that were recorded for a second reference: what comes to them is told under the first. Empty, unless two
-- processes recorded one address at the same moment.
create table address_conflicts_v1 (
  reference text primary key,
  chain text not null,
  address text not null,
  taken_by text not null,
  at timestamptz not null
);
