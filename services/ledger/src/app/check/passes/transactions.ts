/** transactions_v1 and entries_v1: what each posting event says that it posted, and why. */
import type { BookEvent } from '../../../domain/book-events';
import { canonicalJson } from '../canonical-json';
import type { FoldedEntry } from '../refold';
import type { LogPass } from '../table-pass';

type Posted = {
  readonly transactionId: string;
  readonly tenantId: string | null;
  readonly causeType: string;
  readonly causeId: string;
  readonly subject: string;
  readonly rule: string;
  readonly effectiveAt: string;
  readonly postedAt: string;
};

/** Null for an event that posts nothing. */
export function postedBy(event: BookEvent): Posted | null {
  switch (event.type) {
    case 'TransactionPosted':
      return {
        transactionId: event.transactionId,
        tenantId: event.tenantId,
        causeType: event.cause.type,
        causeId: event.cause.id,
        subject: event.cause.subject,
        rule: event.rule,
        effectiveAt: event.effectiveAt,
        postedAt: event.at,
      };
    case 'TransferConfirmed':
    case 'TransferReversed': {
      const { transferId, debitTenantId } = event.transfer;
      const reversal = event.type === 'TransferReversed';
      const transactionId = reversal ? event.transactionId : transferId;
      return {
        transactionId,
        tenantId: debitTenantId,
        causeType: reversal ? 'transfer_reversal' : 'transfer',
        causeId: transactionId,
        subject: transferId,
        rule: event.rule,
        effectiveAt: event.at,
        postedAt: event.at,
      };
    }
    case 'TransactionReversed':
      return {
        transactionId: event.reversalId,
        tenantId: event.tenantId,
        causeType: 'reversal',
        causeId: event.reversalId,
        subject: event.transactionId,
        rule: event.rule,
        effectiveAt: event.at,
        postedAt: event.at,
      };
    case 'HoldCaptured':
      return {
        transactionId: event.captureId,
        tenantId: event.tenantId,
        causeType: 'hold_capture',
        causeId: event.captureId,
        subject: event.holdId,
        rule: event.rule,
        effectiveAt: event.at,
        postedAt: event.at,
      };
    default:
      return null;
  }
}

function reversedBy(event: BookEvent): string | null {
  if (event.type === 'TransferReversed') return event.transfer.transferId;
  return event.type === 'TransactionReversed' ? event.transactionId : null;
}

export const transactionsPass: LogPass = {
  kind: 'log',
  table: 'transactions_v1',
  key: ['mode', 'sequence'],
  columns: [
    'mode',
    'sequence',
    'transaction_id',
    'tenant_id',
    'tenants',
    'cause_type',
    'cause_id',
    'subject',
    'rule',
    'actor',
    'ledger_reference',
    'reverses',
    'event_type',
    'correlation_id',
    'causation_id',
    'adjustment_for',
    'effective_at',
    'posted_at',
  ],
  folded: ['tenants'],
  rows({ event, sequence, reference, metadata, entries }, { mode }) {
    const posted = postedBy(event);
    if (posted === null) return [];
    const tenants = [posted.tenantId, ...entries.map(({ account }) => account.tenantId)];
    return [
      {
        mode,
        sequence: String(sequence),
        transaction_id: posted.transactionId,
        tenant_id: posted.tenantId,
        tenants: canonicalJson([...new Set(tenants)].filter((tenantId) => tenantId !== null)),
        cause_type: posted.causeType,
        cause_id: posted.causeId,
        subject: posted.subject,
        rule: posted.rule,
        actor: 'actor' in event ? event.actor : null,
        ledger_reference: reference,
        reverses: reversedBy(event),
        event_type: event.type,
        correlation_id: metadata.correlationId,
        causation_id: metadata.causationId,
        adjustment_for: event.type === 'TransactionPosted' ? event.adjustmentFor : null,
        effective_at: posted.effectiveAt,
        posted_at: posted.postedAt,
      },
    ];
  },
};

export const entriesPass: LogPass = {
  kind: 'log',
  table: 'entries_v1',
  key: ['mode', 'sequence', 'entry_index'],
  columns: [
    'mode',
    'sequence',
    'entry_index',
    'transaction_id',
    'account_id',
    'tenant_id',
    'first_of_tenant',
    'asset',
    'direction',
    'amount',
    'balance',
    'account_version',
    'account_debits',
    'effective_at',
    'posted_at',
  ],
  folded: ['tenant_id', 'first_of_tenant', 'balance', 'account_version', 'account_debits'],
  rows({ event, sequence, entries }, { mode }) {
    const posted = postedBy(event);
    if (posted === null) return [];
    return entries.map((entry) => ({
      mode,
      sequence: String(sequence),
      entry_index: String(entry.index),
      transaction_id: posted.transactionId,
      account_id: entry.accountId,
      tenant_id: entry.account.tenantId,
      first_of_tenant: String(isFirstOfTenant(entry, entries)),
      asset: entry.asset,
      direction: entry.direction,
      amount: entry.amount.toString(),
      balance: entry.balance.toString(),
      account_version: entry.version.toString(),
      account_debits: entry.debits.toString(),
      effective_at: posted.effectiveAt,
      posted_at: posted.postedAt,
    }));
  },
};

function isFirstOfTenant({ account, index }: FoldedEntry, entries: readonly FoldedEntry[]): boolean {
  const { tenantId } = account;
  return tenantId !== null && entries.every((other) => other.account.tenantId !== tenantId || other.index >= index);
}
