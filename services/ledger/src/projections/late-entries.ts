/**
 * late_entries_v1: the entries that were recorded after they were effective, as intervals between both moments.
 * Source: the books. Order: each book's own, after `accounts` has opened the accounts. Serves: the balances of past
 * moments (`audit_totals_as_of`), which look for the entries whose interval contains a moment.
 */
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { transactionOf, type PostingEvent } from '../domain/transaction';
import { tenantOf } from './accounts';
import { ownRows } from './audit-policies';
import { nodeOf } from './late-node';
import { modeOf } from './place';

const lateEntriesTable = defineTable({
  name: 'late_entries_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    node: { type: 'bigint' },
    account_id: { type: 'text' },
    effective_at: { type: 'timestamptz' },
    posted_at: { type: 'timestamptz', check: 'effective_at < posted_at' },
    sequence: { type: 'bigint' },
    entry_index: { type: 'integer' },
    tenant_id: { type: 'uuid', nullable: true },
    direction: { type: 'text' },
    amount: { type: 'numeric' },
  },
  key: ['mode', 'node', 'account_id', 'effective_at', 'sequence', 'entry_index'],
  // An expression, so that the planner cannot take this index for the other one: see `audit_totals_as_of`.
  indexes: [{ name: 'by_recording', on: ['mode', '(node + 0)', 'account_id', 'posted_at'] }],
  readers: ownRows,
});

export const lateEntriesProjection: TableProjection<SealedEvent> = {
  name: 'late_entries',
  version: 1,
  tables: [lateEntriesTable],
  // Nothing else is effective before it is recorded.
  handlers: { TransactionPosted: insert },
};

function insert(event: PostingEvent, place: StoredEvent, rows: Rows): void {
  const { entries, effectiveAt, postedAt } = transactionOf(event);
  if (effectiveAt >= postedAt) return;
  const mode = modeOf(place);
  const node = nodeOf(Date.parse(effectiveAt), Date.parse(postedAt));
  for (const [index, { accountId, direction, amount }] of entries.entries()) {
    rows.insert(lateEntriesTable, {
      mode,
      node,
      account_id: accountId,
      effective_at: effectiveAt,
      posted_at: postedAt,
      sequence: place.revision,
      entry_index: index,
      tenant_id: tenantOf(rows, mode, accountId),
      direction,
      amount,
    });
  }
}
