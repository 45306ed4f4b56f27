-- What institutions said of transfers, that they paid out or gave back, and the ledger has not posted yet. Written with the
-- read model; gauges read it.
create table unbooked_transfers (
  transaction_id text not null,
  what text not null check (what in ('payout', 'return')),
  since timestamptz not null,
  primary key (transaction_id, what)
);

-- Those from before: somebody still asks about a transfer of that status, or it is paid out and not posted. A return that
-- was not posted by then is not known by its row.
insert into unbooked_transfers (transaction_id, what, since)
select transaction_id, 'payout', updated_at
from transactions_v1
where type = 'transfer' and status = 'processing' and transaction_id not in (select transaction_id from transfer_checks);
