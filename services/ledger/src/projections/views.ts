/** What auditors read: views upon the views that show the tables. Made anew whenever those are. */
import { sha256Hex } from '@daybook/runtime';

const statements: readonly string[] = [
  `drop view if exists ledger.audit_accounts`,
  `drop view if exists ledger.audit_transactions`,
  `drop view if exists ledger.audit_entries`,
  `create view ledger.audit_accounts as
  select mode, account_id, tenant_id, asset, type, floor, posted, held, posted - held as available, incoming, frozen,
         version, opened_at, updated_at, opened_sequence, last_sequence
  from ledger.accounts_v1`,
  `comment on view ledger.audit_accounts is 'Every account with its balances on its normal side, in minor units. last_sequence is the last event that touched it.'`,
  `comment on column ledger.audit_accounts.mode is 'The book: sandbox or live.'`,
  `comment on column ledger.audit_accounts.tenant_id is 'Owner; null for the operator''s own accounts.'`,
  `comment on column ledger.audit_accounts.floor is 'Lowest available balance that an authorizing movement may leave; null for none.'`,
  `comment on column ledger.audit_accounts.held is 'Promised to transfers that are being confirmed.'`,
  `comment on column ledger.audit_accounts.incoming is 'Promised by such transfers to this account.'`,
  `comment on column ledger.audit_accounts.version is 'Number of entries.'`,
  `create view ledger.audit_transactions as
  select mode, sequence, transaction_id, tenant_id, cause_type, cause_id, subject, rule, ledger_reference,
         effective_at, posted_at
  from ledger.transactions_v1`,
  `comment on view ledger.audit_transactions is 'Every balanced set of entries. (mode, sequence) is the journal event that posted it.'`,
  `comment on column ledger.audit_transactions.cause_id is 'Id of the business fact: a deposit, a settlement, a transfer.'`,
  `comment on column ledger.audit_transactions.subject is 'What groups the transactions of one intent or one transfer.'`,
  `comment on column ledger.audit_transactions.rule is 'Posting rule and version.'`,
  `comment on column ledger.audit_transactions.ledger_reference is '0x and the hex SHA-256 of the journal event''s exact bytes.'`,
  `comment on column ledger.audit_transactions.effective_at is 'When it happened; posted_at is when it was recorded.'`,
  `create view ledger.audit_entries as
  select mode, sequence, entry_index, transaction_id, account_id, tenant_id, asset, direction, amount, balance,
         account_version, posted_at
  from ledger.entries_v1`,
  `comment on view ledger.audit_entries is 'Every entry, with the account''s balance after it. (mode, sequence) is the journal event that posted it.'`,
  `comment on column ledger.audit_entries.balance is 'Balance of the account on its normal side after this entry, in minor units.'`,
  `comment on column ledger.audit_entries.account_version is 'Number of entries of the account up to this one.'`,
];

export const ledgerViews = { hash: sha256Hex(statements.join('\n')), statements };
