import {
  getBookTransaction as transactionCall,
  getHold as holdCall,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import type { BookState } from '../domain/book-state';
import type { HoldSubject } from '../domain/records';
import { refusalOf, watermarkOf, type Books } from './books';
import { knownIdOf, readIdsOf } from './caller-ids';

/** A strong read of a hold on an account of the tenant's, whoever placed it, or of any. */
export function getHold(books: Books) {
  return async ({ mode, tenantId, holdId }: CallRequest<typeof holdCall>): Promise<CallOutcome<typeof holdCall>> => {
    const ids = readIdsOf(tenantId, holdId);
    return books.of(mode).read((state) => {
      for (const id of ids) {
        const record = state.records.get(id);
        if (record?.subject?.type !== 'hold' || !isReadable(state, record.subject, tenantId)) continue;
        const { accountId, asset, amount, remaining, captured, status, expiresAt } = record.subject;
        const hold = { holdId, accountId, asset, amount, remaining, captured, status, expiresAt };
        const placed = {
          placedAt: record.at,
          ledgerReference: record.reference,
          ...placerOf(record.subject, tenantId),
        };
        return { ok: true, value: { ...hold, ...placed, watermark: watermarkOf(state) } };
      }
      return refusalOf(holdCall, 'hold_not_found');
    }, ids);
  };
}

/** As lists show them: by whose the held account is. */
function isReadable({ accounts }: BookState, { accountId }: HoldSubject, tenantId: string | null): boolean {
  return tenantId === null || accounts.get(accountId)?.tenantId === tenantId;
}

/** Who placed it, and what only that side and operators may see. */
function placerOf({ tenantId: placedBy, actor, metadata }: HoldSubject, tenantId: string | null) {
  if (tenantId !== null && tenantId !== placedBy) return { placedBy, actor: null, metadata: {} };
  return { placedBy, actor, metadata: { ...metadata } };
}

/** A strong read of what the tenant posted or captured itself, or of any transaction that can be reversed. */
export function getBookTransaction(books: Books) {
  return async (request: CallRequest<typeof transactionCall>): Promise<CallOutcome<typeof transactionCall>> => {
    const { mode, tenantId, transactionId } = request;
    const id = knownIdOf(tenantId, transactionId);
    return books.of(mode).read(
      (state) => {
        const record = state.records.get(id);
        if (record === undefined || record.rejection !== null)
          return refusalOf(transactionCall, 'transaction_not_found');
        if (record.subject?.type !== 'transaction') return refusalOf(transactionCall, 'transaction_not_reversible');
        const { entries, reversed, effectiveAt } = record.subject;
        const { at: postedAt, reference: ledgerReference } = record;
        const value = {
          transactionId,
          entries: [...entries],
          reversed,
          effectiveAt,
          postedAt,
          ledgerReference,
          watermark: watermarkOf(state),
        };
        return { ok: true, value };
      },
      [id],
    );
  };
}
