-- What a transaction's receivers were last told of it; written by src/consumers/transactions.ts with the claim of its message.
create table told_transactions (
  transaction_id text primary key,
  -- The part of the payload that a receiver could act on, as text.
  shown text not null
);
