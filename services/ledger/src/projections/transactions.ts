/**
 * transactions_v1: every balanced set of entries, with its cause and the event that posted it.
 * Source: the books. Order: each book's own, after `accounts`. Serves: list-transactions together with `entries`,
 * search-transactions, audit_transactions.
 */
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SealedEvent } from '../adapters/stored-events';
import type { TransactionQuery } from '../app/list-transactions';
import type { Entry } from '../domain/account';
import type { Cause } from '../domain/book-events';
import { transactionOf, type PostingEvent } from '../domain/transaction';
import { assetOf, tenantOf } from './accounts';
import { rowsOfTenants } from './audit-policies';
import { modeOf, referenceAt } from './place';

export const transactionsTable = defineTable({
  name: 'transactions_v1',
  kind: 'appended',
  columns: {
    mode: { type: 'text' },
    sequence: { type: 'bigint' },
    transaction_id: { type: 'text' },
    tenant_id: { type: 'uuid', nullable: true },
    // A list of it and of the tenants of the accounts: whose transaction it is.
    tenants: { type: 'jsonb' },
    cause_type: { type: 'text' },
    cause_id: { type: 'text' },
    subject: { type: 'text' },
    rule: { type: 'text' },
    // Who asked for it, for those that somebody did.
    actor: { type: 'text', nullable: true },
    ledger_reference: { type: 'text' },
    // The transaction that this one takes back.
    reverses: { type: 'text', nullable: true },
    event_type: { type: 'text' },
    correlation_id: { type: 'text' },
    causation_id: { type: 'text' },
    adjustment_for: { type: 'timestamptz', nullable: true },
    effective_at: { type: 'timestamptz' },
    posted_at: { type: 'timestamptz' },
  },
  key: ['mode', 'sequence'],
  indexes: [
    // Those that have every row: the mode is second, as in `entries`.
    { name: 'by_id', on: ['transaction_id', 'mode'], unique: true },
    { name: 'by_subject', on: ['subject', 'mode', 'sequence'] },
    { name: 'by_reversed', on: ['mode', 'reverses', 'sequence'], where: 'reverses is not null' },
    { name: 'by_adjusted', on: ['mode', 'adjustment_for'], where: 'adjustment_for is not null' },
  ],
  readers: rowsOfTenants,
});

export const transactionsProjection: TableProjection<SealedEvent> = {
  name: 'transactions',
  version: 5,
  tables: [transactionsTable],
  handlers: {
    TransferConfirmed: insert,
    TransferReversed: insert,
    TransactionPosted: insert,
    TransactionReversed: insert,
    HoldCaptured: insert,
  },
};

function insert(event: PostingEvent, place: StoredEvent, rows: Rows): void {
  const { transactionId, tenantId, cause, rule, actor, entries, effectiveAt, postedAt } = transactionOf(event);
  const mode = modeOf(place);
  const tenants = new Set([tenantId]);
  for (const { accountId } of entries) tenants.add(tenantOf(rows, mode, accountId));
  tenants.delete(null);
  rows.insert(transactionsTable, {
    mode,
    sequence: place.revision,
    transaction_id: transactionId,
    tenant_id: tenantId,
    tenants: JSON.stringify([...tenants]),
    cause_type: cause.type,
    cause_id: cause.id,
    subject: cause.subject,
    rule,
    actor,
    ledger_reference: referenceAt(place),
    reverses: reversedBy(event),
    event_type: event.type,
    correlation_id: place.metadata.correlationId,
    causation_id: place.metadata.causationId,
    adjustment_for: event.type === 'TransactionPosted' ? event.adjustmentFor : null,
    effective_at: effectiveAt,
    posted_at: postedAt,
  });
}

function reversedBy(event: PostingEvent): string | null {
  // A transfer's confirmation has the transfer's id.
  if (event.type === 'TransferReversed') return event.transfer.transferId;
  return event.type === 'TransactionReversed' ? event.transactionId : null;
}

type EntryRow = { account_id: string; asset: string; direction: Entry['direction']; amount: string };
type Row = {
  sequence: string;
  transaction_id: string;
  cause_type: Cause['type'];
  cause_id: string;
  subject: string;
  rule: string;
  ledger_reference: string;
  posted_at: Date;
  entries: EntryRow[];
};

export async function findTransactions(pool: Pool, { mode, tenantId, subject, after, limit }: TransactionQuery) {
  const { rows } = await pool.query<Row>(
    `select t.sequence, t.transaction_id, t.cause_type, t.cause_id, t.subject, t.rule, t.ledger_reference, t.posted_at,
            (select json_agg(json_build_object('account_id', e.account_id, 'asset', e.asset, 'direction', e.direction,
                                               'amount', e.amount::text) order by e.entry_index)
             from entries_v1 e where e.mode = t.mode and e.sequence = t.sequence) as entries
     from transactions_v1 t
     where t.mode = $1 and ($2::text is null or t.subject = $2) and ($3::bigint is null or t.sequence > $3)
       and ($4::uuid is null or exists (
             select 1 from entries_v1 e where e.mode = t.mode and e.sequence = t.sequence and e.tenant_id = $4))
     order by t.sequence limit $5`,
    [mode, subject, after, tenantId, limit],
  );
  return rows.map((row) => ({
    transactionId: row.transaction_id,
    cause: { type: row.cause_type, id: row.cause_id, subject: row.subject },
    rule: row.rule,
    entries: row.entries.map(({ account_id: accountId, asset, direction, amount }) => ({
      accountId,
      asset: assetOf(asset),
      direction,
      amount: BigInt(amount),
    })),
    ledgerReference: row.ledger_reference,
    sequence: Number(row.sequence),
    postedAt: row.posted_at.toISOString(),
  }));
}
