/**
 * entries_v1: every entry with its account's balance and version after it.
 * Source: the books. Order: each book's own, after `accounts` has applied the same event: the balances come from there.
 * Serves: list-transactions, audit_entries.
 */
import { AssertionError } from '@daybook/core';
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { effectOf, type AccountType } from '../domain/account';
import { transactionOf, type PostingEvent } from '../domain/transaction';
import { accountsTable } from './accounts';
import { ownRows } from './audit-policies';
import { modeOf } from './place';

const entriesTable = defineTable({
  name: 'entries_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    entry_index: { type: 'integer' },
    transaction_id: { type: 'text' },
    account_id: { type: 'text' },
    tenant_id: { type: 'uuid', nullable: true },
    // Whether it is the first of its tenant in its transaction; of nobody's none is.
    first_of_tenant: { type: 'boolean' },
    asset: { type: 'text' },
    direction: { type: 'text', check: `direction in ('debit', 'credit')` },
    amount: { type: 'numeric', check: `amount > 0 and amount <> 'NaN'` },
    // The account's balance, on its normal side, and its number of entries after this one.
    balance: { type: 'numeric' },
    account_version: { type: 'bigint' },
    // Sum of the account's debit entries up to this one.
    account_debits: { type: 'numeric' },
    effective_at: { type: 'timestamptz' },
    posted_at: { type: 'timestamptz' },
  },
  key: ['mode', 'sequence', 'entry_index'],
  // Modes are few: second in an index, they are compared with few of the rows that a new one is placed among.
  indexes: [
    // The order of recording and that of time are the same; the balance at a moment is one step into it.
    { name: 'by_account', on: ['account_id', 'mode', 'posted_at', 'account_version'], unique: true },
    {
      name: 'late',
      on: ['account_id', 'mode', 'effective_at', 'sequence', 'entry_index'],
      where: 'effective_at < posted_at',
    },
    // One of them leads to the others of its transaction; an index of all would be twice as much to write.
    { name: 'by_tenant', on: ['tenant_id', 'mode', 'sequence'], where: 'first_of_tenant' },
  ],
  readers: ownRows,
});

export const entriesProjection: TableProjection<SealedEvent> = {
  name: 'entries',
  version: 4,
  tables: [entriesTable],
  handlers: {
    TransferConfirmed: insert,
    TransferReversed: insert,
    TransactionPosted: insert,
    TransactionReversed: insert,
    HoldCaptured: insert,
  },
};

/** The accounts have the balances after the last entry; each entry has what the later ones of its account did taken back. */
function insert(event: PostingEvent, place: StoredEvent, rows: Rows): void {
  const { transactionId, entries, effectiveAt, postedAt } = transactionOf(event);
  const mode = modeOf(place);
  const tenants: (string | null)[] = [null];
  for (let index = 0; index < entries.length; index++) {
    const { accountId, asset, direction, amount } = entries[index]!;
    const account = rows.get(accountsTable, mode, accountId);
    if (account === undefined) throw new AssertionError('an entry of an unknown account');
    const { tenant_id } = account;
    let { posted: balance, version, debits } = account;
    for (let later = index + 1; later < entries.length; later++) {
      const entry = entries[later]!;
      if (entry.accountId !== accountId) continue;
      balance -= effectOf(entry, account.type as AccountType);
      version -= 1n;
      if (entry.direction === 'debit') debits -= entry.amount;
    }
    rows.insert(entriesTable, {
      mode,
      sequence: place.revision,
      entry_index: index,
      transaction_id: transactionId,
      account_id: accountId,
      tenant_id,
      first_of_tenant: !tenants.includes(tenant_id),
      asset,
      direction,
      amount,
      balance,
      account_version: version,
      account_debits: debits,
      effective_at: effectiveAt,
      posted_at: postedAt,
    });
    tenants.push(tenant_id);
  }
}
