import {
  getBookTransaction as transactionCall,
  getHold as holdCall,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { refusalOf, watermarkOf, type Books } from './books';
import { knownIdOf } from './caller-ids';

/** A strong read of a hold that the tenant placed itself, or of any. */
export function getHold(books: Books) {
  return async ({ mode, tenantId, holdId }: CallRequest<typeof holdCall>): Promise<CallOutcome<typeof holdCall>> => {
    const id = knownIdOf(tenantId, holdId);
    return books.of(mode).read(
      (state) => {
        const record = state.records.get(id);
        if (record?.subject?.type !== 'hold') return refusalOf(holdCall, 'hold_not_found');
        const { accountId, asset, amount, remaining, captured, status, expiresAt } = record.subject;
        const hold = { holdId, accountId, asset, amount, remaining, captured, status, expiresAt };
        const placed = { placedAt: record.at, ledgerReference: record.reference };
        return { ok: true, value: { ...hold, ...placed, watermark: watermarkOf(state) } };
      },
      [id],
    );
  };
}

/** A strong read of what the tenant posted or captured itself, or of any transaction that can be reversed. */
export function getBookTransaction(books: Books) {
  return async (request: CallRequest<typeof transactionCall>): Promise<CallOutcome<typeof transactionCall>> => {
    const { mode, tenantId, transactionId } = request;
    const id = knownIdOf(tenantId, transactionId);
    return books.of(mode).read(
      (state) => {
        const record = state.records.get(id);
        if (record?.subject?.type !== 'transaction') return refusalOf(transactionCall, 'transaction_not_found');
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
