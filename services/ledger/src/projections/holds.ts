/**
 * What is set aside. Transfers that are being confirmed hold money too; they are in transfers_v1.
 *
 *   holds_v1          every hold and what has become of it: for the owner of the account, whoever placed it
 *   hold_details_v1   what the placer alone may see of it
 *
 * Source: the books. Order: each book's own, after `accounts`, which has the owner. Serves: list-holds, audit_holds.
 */
import { assert } from '@daybook/core';
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { accountsTable } from './accounts';
import { ownRows } from './audit-policies';
import { modeOf } from './place';

const holdsTable = defineTable({
  name: 'holds_v1',
  kind: 'kept',
  columns: {
    mode: { type: 'text' },
    hold_id: { type: 'text' },
    account_id: { type: 'text', fixed: true },
    // The account's owner, whoever placed it.
    tenant_id: { type: 'uuid', nullable: true, fixed: true },
    asset: { type: 'text', fixed: true },
    amount: { type: 'numeric', fixed: true, check: 'amount > 0' },
    captured: { type: 'numeric' },
    remaining: { type: 'numeric', check: 'remaining >= 0 and captured + remaining <= amount' },
    status: { type: 'text' },
    expires_at: { type: 'timestamptz', nullable: true, fixed: true },
    placed_at: { type: 'timestamptz', fixed: true },
    updated_at: { type: 'timestamptz' },
    placed_sequence: { type: 'bigint', fixed: true },
    last_sequence: { type: 'bigint' },
  },
  key: ['mode', 'hold_id'],
  indexes: [
    { name: 'by_account', on: ['mode', 'account_id', 'placed_sequence'] },
    { name: 'by_tenant', on: ['mode', 'tenant_id', 'placed_sequence'] },
    { name: 'by_place', on: ['mode', 'placed_sequence'], unique: true },
  ],
  // Each changes once or a few times, soon after.
  fillfactor: 80,
  readers: ownRows,
});

const holdDetailsTable = defineTable({
  name: 'hold_details_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    // Of the event that placed it.
    sequence: { type: 'bigint' },
    // Who placed it; null for an operator.
    tenant_id: { type: 'uuid', nullable: true },
    actor: { type: 'text' },
    metadata: { type: 'jsonb', nullable: true },
  },
  key: ['mode', 'sequence'],
  readers: ownRows,
});

export const holdsProjection: TableProjection<SealedEvent> = {
  name: 'holds',
  version: 2,
  tables: [holdsTable, holdDetailsTable],
  keys(event, place, wanted) {
    if (!('holdId' in event)) return;
    if (event.type === 'HoldPlaced') wanted.newRow(holdsTable, modeOf(place), event.holdId);
    else wanted.row(holdsTable, modeOf(place), event.holdId);
  },
  handlers: {
    HoldPlaced({ holdId, tenantId, accountId, asset, amount, expiresAt, metadata, actor, at }, place, rows) {
      const mode = modeOf(place);
      const account = rows.get(accountsTable, mode, accountId);
      assert(account, `unknown account ${accountId}`);
      rows.insert(holdsTable, {
        mode,
        hold_id: holdId,
        account_id: accountId,
        tenant_id: account.tenant_id,
        asset,
        amount,
        captured: 0n,
        remaining: amount,
        status: 'open',
        expires_at: expiresAt,
        placed_at: at,
        updated_at: at,
        placed_sequence: place.revision,
        last_sequence: place.revision,
      });
      rows.insert(holdDetailsTable, {
        mode,
        sequence: place.revision,
        tenant_id: tenantId,
        actor,
        metadata: metadata === null ? null : JSON.stringify(metadata),
      });
    },
    HoldCaptured({ holdId, amount, remaining, at }, place, rows) {
      const hold = touch(holdId, at, place, rows);
      hold.captured += amount;
      hold.remaining = remaining;
      if (remaining === 0n) hold.status = 'captured';
    },
    HoldReleased: ({ holdId, at }, place, rows) => close(holdId, 'released', at, place, rows),
    HoldExpired: ({ holdId, at }, place, rows) => close(holdId, 'expired', at, place, rows),
  },
};

/** The hold's row, marked as touched by the event. */
function touch(holdId: string, time: string, place: StoredEvent, rows: Rows) {
  const hold = rows.change(holdsTable, modeOf(place), holdId);
  hold.updated_at = time;
  hold.last_sequence = place.revision;
  return hold;
}

function close(holdId: string, status: string, time: string, place: StoredEvent, rows: Rows): void {
  Object.assign(touch(holdId, time, place, rows), { status, remaining: 0n });
}
