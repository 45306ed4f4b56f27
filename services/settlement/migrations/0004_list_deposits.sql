-- What came to hot wallets is a transaction of its tenant, too. It has no description.
alter table transactions_v1
  drop constraint transactions_v1_type_check,
  add constraint transactions_v1_type_check check (type in ('withdrawal', 'transfer', 'settlement', 'deposit')),
  alter column encrypted_details drop not null,
  add column to_address text,
  add column block_number bigint;
