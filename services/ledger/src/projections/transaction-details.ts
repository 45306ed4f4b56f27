/**
 * What a transaction's poster alone may see of it, and the limits that it crossed; most have no row here.
 *
 *   transaction_details_v1    description and metadata
 *   transaction_metadata_v1   the same metadata, one row a name, to search by
 *   limit_breaches_v1         accounts left below their floor or above their ceiling
 *
 * Source: the books. Order: each book's own, after `accounts`. Serves: search-transactions, list-entries,
 * audit_transactions, audit_limit_breaches.
 */
import { defineTable, type TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { tenantOf } from './accounts';
import { ownRows } from './audit-policies';
import { modeOf } from './place';

const transactionDetailsTable = defineTable({
  name: 'transaction_details_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    tenant_id: { type: 'uuid', nullable: true },
    description: { type: 'text', nullable: true },
    metadata: { type: 'jsonb', nullable: true },
  },
  key: ['mode', 'sequence'],
  readers: ownRows,
});

const transactionMetadataTable = defineTable({
  name: 'transaction_metadata_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    name: { type: 'text' },
    value: { type: 'text' },
    sequence: { type: 'bigint' },
  },
  key: ['mode', 'sequence', 'name'],
  // In the order of the journal, so that a page of what was searched is one range.
  indexes: [{ name: 'by_value', on: ['mode', 'name', 'value', 'sequence'] }],
});

const limitBreachesTable = defineTable({
  name: 'limit_breaches_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    account_id: { type: 'text' },
    tenant_id: { type: 'uuid', nullable: true },
    crossed: { type: 'text', check: `crossed in ('floor', 'ceiling')` },
  },
  key: ['mode', 'sequence', 'account_id', 'crossed'],
  readers: ownRows,
});

export const transactionDetailsProjection: TableProjection<SealedEvent> = {
  name: 'transaction_details',
  version: 1,
  tables: [transactionDetailsTable, transactionMetadataTable, limitBreachesTable],
  handlers: {
    TransactionPosted({ tenantId, description, metadata, floorBreaches, ceilingBreaches }, place, rows) {
      const mode = modeOf(place);
      const sequence = place.revision;
      if (description !== null || metadata !== null) {
        const json = metadata === null ? null : JSON.stringify(metadata);
        rows.insert(transactionDetailsTable, { mode, sequence, tenant_id: tenantId, description, metadata: json });
        for (const [name, value] of Object.entries(metadata ?? {}))
          rows.insert(transactionMetadataTable, { mode, name, value, sequence });
      }
      for (const [crossed, accounts] of Object.entries({ floor: floorBreaches, ceiling: ceilingBreaches })) {
        for (const accountId of accounts) {
          const tenant_id = tenantOf(rows, mode, accountId);
          rows.insert(limitBreachesTable, { mode, sequence, account_id: accountId, tenant_id, crossed });
        }
      }
    },
  },
};
