import { listTransfers as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf, type Books } from './books';
import { cursorOf, listOf, pageOf, sequenceOf } from './cursor';
import type { Notes } from './notes';
import { withNote, type TransferRow } from './transfer-view';

export type TransferQuery = {
  readonly mode: CallRequest<typeof call>['mode'];
  readonly accountId: string;
  /** Only transfers accepted before the one with this sequence. */
  readonly before: bigint | null;
  readonly limit: number;
};

/** Newest first. Pages follow the sequence of acceptance, so rows that are added do not move the ones that follow. */
export function listTransfers(deps: {
  readonly books: Books;
  readonly notes: Notes;
  find(query: TransferQuery): Promise<readonly { readonly acceptedSequence: bigint; readonly transfer: TransferRow }[]>;
}) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, tenantId, accountId, limit, cursor } = request;
    const owned = await deps.books.of(mode).read((state) => state.accounts.get(accountId)?.tenantId === tenantId);
    if (!owned) return refusalOf(call, 'account_not_found');
    const list = listOf(call.name, request);
    const before = cursor === null ? null : sequenceOf(list, cursor);
    if (before === undefined) return refusalOf(call, 'cursor_invalid');
    const found = await deps.find({ mode, accountId, before, limit: limit + 1 });
    const { rows, last } = pageOf(found, limit);
    const transfers = await Promise.all(rows.map(({ transfer }) => withNote(deps.notes, transfer)));
    return { ok: true, value: { transfers, nextCursor: last && cursorOf(list, last.acceptedSequence.toString()) } };
  };
}
