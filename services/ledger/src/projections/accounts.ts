/**
 * accounts_v1: every account with its balances.
 * Source: the books. Order: each book's own. Serves: list-accounts, audit_accounts; `entries` reads its balances.
 */
import { assert, AssertionError } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SealedEvent } from '../adapters/stored-events';
import type { AccountQuery } from '../app/list-accounts';
import { effectOf, type AccountType, type Entry } from '../domain/account';
import type { TransferFields } from '../domain/book-events';
import { assets, type AssetCode } from '@daybook/money';
import { ownRows } from './audit-policies';
import { markedRows, values } from './marked-rows';
import { modeOf } from './place';

export const accountsTable = defineTable({
  name: 'accounts_v1',
  kind: 'kept',
  columns: {
    mode: { type: 'text' },
    account_id: { type: 'text' },
    tenant_id: { type: 'uuid', nullable: true, fixed: true },
    asset: { type: 'text', fixed: true },
    type: { type: 'text', fixed: true },
    floor: { type: 'numeric', nullable: true },
    ceiling: { type: 'numeric', nullable: true },
    posted: { type: 'numeric' },
    // Sum of its debit entries; what `posted` is more or less than it are the credits.
    debits: { type: 'numeric' },
    held: { type: 'numeric', check: 'held >= 0' },
    incoming: { type: 'numeric', check: 'incoming >= 0' },
    frozen: { type: 'boolean' },
    // Entries so far.
    version: { type: 'bigint' },
    metadata: { type: 'jsonb', nullable: true, fixed: true },
    opened_at: { type: 'timestamptz', fixed: true },
    updated_at: { type: 'timestamptz' },
    opened_sequence: { type: 'bigint', fixed: true },
    last_sequence: { type: 'bigint' },
  },
  key: ['mode', 'account_id'],
  indexes: [{ name: 'by_tenant', on: ['mode', 'tenant_id', 'account_id'] }],
  // Balances change all the time.
  fillfactor: 50,
  readers: ownRows,
});

export const accountsProjection: TableProjection<SealedEvent> = {
  name: 'accounts',
  version: 3,
  tables: [accountsTable],
  keys(event, place, wanted) {
    const mode = modeOf(place);
    if (event.type === 'AccountOpened') wanted.newRow(accountsTable, mode, event.accountId);
    else if ('accountId' in event) wanted.row(accountsTable, mode, event.accountId);
    if ('transfer' in event) {
      wanted.row(accountsTable, mode, event.transfer.debitAccountId);
      wanted.row(accountsTable, mode, event.transfer.creditAccountId);
    }
    if ('entries' in event) {
      for (const { accountId } of event.entries) wanted.row(accountsTable, mode, accountId);
    }
  },
  handlers: {
    AccountOpened({ accountId, tenantId, asset, accountType, floor, ceiling, metadata, at }, place, rows) {
      const { revision } = place;
      rows.insert(accountsTable, {
        mode: modeOf(place),
        account_id: accountId,
        tenant_id: tenantId,
        asset,
        type: accountType,
        floor,
        ceiling,
        posted: 0n,
        debits: 0n,
        held: 0n,
        incoming: 0n,
        frozen: false,
        version: 0n,
        metadata: metadata === null ? null : JSON.stringify(metadata),
        opened_at: at,
        updated_at: at,
        opened_sequence: revision,
        last_sequence: revision,
      });
    },
    AccountLimitsSet({ accountId, floor, ceiling, at }, place, rows) {
      Object.assign(touch(accountId, at, place, rows), { floor, ceiling });
    },
    AccountFrozen: (event, place, rows) => freeze(event, true, place, rows),
    AccountUnfrozen: (event, place, rows) => freeze(event, false, place, rows),
    TransferAccepted: ({ transfer, at }, place, rows) => hold(transfer, transfer.amount, at, place, rows),
    TransferConfirmed({ transfer, entries, at }, place, rows) {
      hold(transfer, -transfer.amount, at, place, rows);
      post(entries, at, place, rows);
    },
    TransferFailed: ({ transfer, at }, place, rows) => hold(transfer, -transfer.amount, at, place, rows),
    TransferReversed: ({ entries, at }, place, rows) => post(entries, at, place, rows),
    TransactionReversed: ({ entries, at }, place, rows) => post(entries, at, place, rows),
    HoldPlaced({ accountId, amount, at }, place, rows) {
      touch(accountId, at, place, rows).held += amount;
    },
    HoldCaptured({ accountId, amount, released, entries, at }, place, rows) {
      touch(accountId, at, place, rows).held -= amount + released;
      post(entries, at, place, rows);
    },
    HoldReleased({ accountId, amount, at }, place, rows) {
      touch(accountId, at, place, rows).held -= amount;
    },
    HoldExpired({ accountId, amount, at }, place, rows) {
      touch(accountId, at, place, rows).held -= amount;
    },
    TransactionPosted: ({ entries, at }, place, rows) => post(entries, at, place, rows),
  },
};

/** The account's row, marked as touched by the event. */
function touch(accountId: string, time: string, place: StoredEvent, rows: Rows) {
  const account = rows.change(accountsTable, modeOf(place), accountId);
  account.updated_at = time;
  account.last_sequence = place.revision;
  return account;
}

function freeze(event: { accountId: string; at: string }, frozen: boolean, place: StoredEvent, rows: Rows): void {
  touch(event.accountId, event.at, place, rows).frozen = frozen;
}

function hold(
  { debitAccountId, creditAccountId }: TransferFields,
  change: bigint,
  time: string,
  place: StoredEvent,
  rows: Rows,
): void {
  touch(debitAccountId, time, place, rows).held += change;
  touch(creditAccountId, time, place, rows).incoming += change;
}

function post(entries: readonly Entry[], time: string, place: StoredEvent, rows: Rows): void {
  for (const entry of entries) {
    const account = touch(entry.accountId, time, place, rows);
    account.posted += effectOf(entry, account.type as AccountType);
    if (entry.direction === 'debit') account.debits += entry.amount;
    account.version += 1n;
  }
}

/** Whose account it is, of those that the event at hand touches. */
export function tenantOf(rows: Rows, mode: Mode, accountId: string): string | null {
  const account = rows.get(accountsTable, mode, accountId);
  if (account === undefined) throw new AssertionError(`unknown account ${accountId}`);
  return account.tenant_id;
}

type Row = {
  account_id: string;
  tenant_id: string | null;
  asset: string;
  type: AccountType;
  floor: string | null;
  ceiling: string | null;
  posted: string;
  held: string;
  incoming: string;
  frozen: boolean;
  version: string;
  metadata: Record<string, string> | null;
  opened_at: Date;
  updated_at: Date;
};

export async function findAccounts(pool: Pool, query: AccountQuery) {
  const { mode, tenantId, asset, metadata, after, limit } = query;
  const { all, put } = values(mode satisfies Mode);
  const where = ['mode = $1'];
  if (tenantId !== null) where.push(`tenant_id = ${put(tenantId)}`);
  if (asset !== null && asset !== undefined) where.push(`asset = ${put(asset)}`);
  if (metadata !== undefined && Object.keys(metadata).length > 0)
    where.push(`metadata @> ${put(JSON.stringify(metadata))}::jsonb`);
  if (after !== null) where.push(`account_id > ${put(after)}`);
  const { rows, watermark } = await markedRows<Row>(
    pool,
    `select account_id, tenant_id, asset, type, floor, ceiling, posted, held, incoming, frozen, version, metadata,
            opened_at, updated_at
     from accounts_v1 where ${where.join(' and ')} order by account_id limit ${put(limit)}`,
    all,
  );
  return { accounts: rows.map(viewOf), watermark };
}

function viewOf(row: Row) {
  const [posted, held, incoming] = [BigInt(row.posted), BigInt(row.held), BigInt(row.incoming)];
  return {
    accountId: row.account_id,
    ownerId: row.tenant_id,
    asset: assetOf(row.asset),
    type: row.type,
    floor: row.floor === null ? null : BigInt(row.floor),
    ceiling: row.ceiling === null ? null : BigInt(row.ceiling),
    metadata: row.metadata,
    posted,
    held,
    available: posted - held,
    incoming,
    frozen: row.frozen,
    version: Number(row.version),
    openedAt: row.opened_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function assetOf(code: string): AssetCode {
  assert(Object.hasOwn(assets, code), `unknown asset ${code}`);
  return code as AssetCode;
}
