/** Rows of entries_v1 and of transactions_v1 as the audit calls answer with them. */
import type { Cause } from '../domain/book-events';
import type { Entry } from '../domain/account';
import { assetOf } from './accounts';

export type EntryRow = {
  sequence: string;
  entry_index: number;
  transaction_id: string;
  account_id: string;
  asset: string;
  direction: Entry['direction'];
  amount: string;
  balance: string;
  account_version: string;
  /** Text when it comes out of JSON. */
  effective_at: Date | string;
  posted_at: Date | string;
};

export const entryColumns = `e.sequence, e.entry_index, e.transaction_id, e.account_id, e.asset, e.direction, e.amount,
  e.balance, e.account_version, e.effective_at, e.posted_at`;

export function entryOf(row: EntryRow) {
  return {
    sequence: Number(row.sequence),
    entryIndex: row.entry_index,
    transactionId: row.transaction_id,
    accountId: row.account_id,
    asset: assetOf(row.asset),
    direction: row.direction,
    amount: BigInt(row.amount),
    balance: BigInt(row.balance),
    accountVersion: Number(row.account_version),
    effectiveAt: new Date(row.effective_at).toISOString(),
    postedAt: new Date(row.posted_at).toISOString(),
  };
}

export type TransactionRow = {
  sequence: string;
  transaction_id: string;
  tenant_id: string | null;
  cause_type: Cause['type'];
  cause_id: string;
  subject: string;
  rule: string;
  actor: string | null;
  description: string | null;
  metadata: Record<string, string> | null;
  adjustment_for: Date | null;
  reverses: string | null;
  ledger_reference: string;
  correlation_id: string;
  causation_id: string;
  effective_at: Date;
  posted_at: Date;
};

/** What only the poster's side may see is left out for another tenant, the value `asker`. */
export const transactionColumns = (
  asker: string,
) => `t.sequence, t.transaction_id, t.tenant_id, t.cause_type, t.cause_id,
  t.subject, t.rule, t.adjustment_for, t.reverses, t.ledger_reference, t.correlation_id, t.causation_id, t.effective_at,
  t.posted_at, case when ${asker}::uuid is null or t.tenant_id = ${asker} then t.actor end as actor,
  (select d.description from transaction_details_v1 d where d.mode = t.mode and d.sequence = t.sequence
     and (${asker}::uuid is null or d.tenant_id = ${asker})) as description,
  (select d.metadata from transaction_details_v1 d where d.mode = t.mode and d.sequence = t.sequence
     and (${asker}::uuid is null or d.tenant_id = ${asker})) as metadata`;

export function transactionOfRow(row: TransactionRow) {
  return {
    sequence: Number(row.sequence),
    transactionId: row.transaction_id,
    tenantId: row.tenant_id,
    cause: { type: row.cause_type, id: row.cause_id, subject: row.subject },
    rule: row.rule,
    actor: row.actor,
    description: row.description,
    metadata: row.metadata ?? {},
    adjustmentFor: row.adjustment_for?.toISOString() ?? null,
    reverses: row.reverses,
    ledgerReference: row.ledger_reference,
    correlationId: row.correlation_id,
    causationId: row.causation_id,
    effectiveAt: row.effective_at.toISOString(),
    postedAt: row.posted_at.toISOString(),
  };
}
