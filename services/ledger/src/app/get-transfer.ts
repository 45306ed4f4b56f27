import { getTransfer as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf } from './books';
import type { Notes } from './notes';
import { withNote, type TransferRow } from './transfer-view';

/** `find` sees every transfer answered before the call. */
export function getTransfer(deps: {
  readonly notes: Notes;
  find(request: CallRequest<typeof call>): Promise<TransferRow | undefined>;
}) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const found = await deps.find(request);
    if (found === undefined) return refusalOf(call, 'transfer_not_found');
    return { ok: true, value: { transfer: await withNote(deps.notes, found) } };
  };
}
