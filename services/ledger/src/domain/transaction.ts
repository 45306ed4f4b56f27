/** The balanced set of entries that an event posted, whichever kind of event it is. */
import type { Entry } from './account';
import type { BookEvent, Cause } from './book-events';

export type Transaction = {
  readonly transactionId: string;
  readonly tenantId: string | null;
  readonly cause: Cause;
  readonly rule: string;
  /** Who asked for it; null when nobody did. */
  readonly actor: string | null;
  readonly entries: readonly Entry[];
  readonly effectiveAt: string;
  readonly postedAt: string;
};

/** Events that post entries. */
export type PostingEvent = Extract<BookEvent, { readonly entries: readonly Entry[] }>;

export function transactionOf(event: PostingEvent): Transaction {
  const { rule, entries, at } = event;
  switch (event.type) {
    case 'TransactionPosted': {
      const { transactionId, tenantId, cause, actor, effectiveAt } = event;
      return { transactionId, tenantId, cause, rule, actor, entries, effectiveAt, postedAt: at };
    }
    case 'TransferConfirmed': {
      const { transferId, debitTenantId } = event.transfer;
      const cause = { type: 'transfer', id: transferId, subject: transferId } as const;
      return {
        transactionId: transferId,
        tenantId: debitTenantId,
        cause,
        rule,
        actor: null,
        entries,
        effectiveAt: at,
        postedAt: at,
      };
    }
    case 'TransferReversed': {
      const { transactionId, actor } = event;
      const { transferId, debitTenantId } = event.transfer;
      const cause = { type: 'transfer_reversal', id: transactionId, subject: transferId } as const;
      return { transactionId, tenantId: debitTenantId, cause, rule, actor, entries, effectiveAt: at, postedAt: at };
    }
    case 'TransactionReversed': {
      const { reversalId, transactionId, tenantId, actor } = event;
      const cause = { type: 'reversal', id: reversalId, subject: transactionId } as const;
      return { transactionId: reversalId, tenantId, cause, rule, actor, entries, effectiveAt: at, postedAt: at };
    }
    case 'HoldCaptured': {
      const { captureId, holdId, tenantId, actor } = event;
      const cause = { type: 'hold_capture', id: captureId, subject: holdId } as const;
      return { transactionId: captureId, tenantId, cause, rule, actor, entries, effectiveAt: at, postedAt: at };
    }
  }
}
