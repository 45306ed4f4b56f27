import { listTransactions as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf } from './books';
import { cursorOf, listOf, pageOf, sequenceOf } from './cursor';

type TransactionView = Extract<CallOutcome<typeof call>, { ok: true }>['value']['transactions'][number];

export type TransactionQuery = {
  readonly mode: CallRequest<typeof call>['mode'];
  /** Only transactions with an entry on an account of this tenant; null for all. */
  readonly tenantId: string | null;
  readonly subject: string | null;
  readonly after: bigint | null;
  readonly limit: number;
};

/** Oldest first, in the order of the journal. */
export function listTransactions(find: (query: TransactionQuery) => Promise<readonly TransactionView[]>) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, tenantId, subject, limit, cursor } = request;
    const list = listOf(call.name, request);
    const after = cursor === null ? null : sequenceOf(list, cursor);
    if (after === undefined) return refusalOf(call, 'cursor_invalid');
    const { rows, last } = pageOf(await find({ mode, tenantId, subject, after, limit: limit + 1 }), limit);
    return {
      ok: true,
      value: { transactions: [...rows], nextCursor: last && cursorOf(list, last.sequence.toString()) },
    };
  };
}
