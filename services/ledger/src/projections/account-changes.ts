/**
 * account_changes_v1: every opening, freezing and unfreezing of an account, and every change of its limits.
 * Source: the books. Order: each book's own, after `accounts` has applied the same event. Serves: audit_account_changes.
 */
import { assert } from '@daybook/core';
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { accountsTable } from './accounts';
import { ownRows } from './audit-policies';
import { modeOf } from './place';

const accountChangesTable = defineTable({
  name: 'account_changes_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    account_id: { type: 'text' },
    tenant_id: { type: 'uuid', nullable: true },
    change: { type: 'text', check: `change in ('opened', 'limits', 'frozen', 'unfrozen')` },
    floor: { type: 'numeric', nullable: true },
    ceiling: { type: 'numeric', nullable: true },
    rule: { type: 'text', nullable: true },
    actor: { type: 'text', nullable: true },
    correlation_id: { type: 'text' },
    causation_id: { type: 'text' },
    changed_at: { type: 'timestamptz' },
  },
  key: ['mode', 'sequence'],
  readers: ownRows,
});

export const accountChangesProjection: TableProjection<SealedEvent> = {
  name: 'account_changes',
  version: 1,
  tables: [accountChangesTable],
  handlers: {
    AccountOpened: inserting('opened'),
    AccountLimitsSet: inserting('limits'),
    AccountFrozen: inserting('frozen'),
    AccountUnfrozen: inserting('unfrozen'),
  },
};

type Told = {
  readonly accountId: string;
  readonly floor?: bigint | null;
  readonly ceiling?: bigint | null;
  readonly rule?: string | null;
  readonly actor: string | null;
  readonly at: string;
};

function inserting(change: string) {
  return (event: Told, place: StoredEvent, rows: Rows): void => {
    const { accountId, floor = null, ceiling = null, rule = null, actor, at } = event;
    const mode = modeOf(place);
    const account = rows.get(accountsTable, mode, accountId);
    assert(account, `unknown account ${accountId}`);
    rows.insert(accountChangesTable, {
      mode,
      sequence: place.revision,
      account_id: accountId,
      tenant_id: account.tenant_id,
      change,
      floor,
      ceiling,
      rule,
      actor,
      correlation_id: place.metadata.correlationId,
      causation_id: place.metadata.causationId,
      changed_at: at,
    });
  };
}
