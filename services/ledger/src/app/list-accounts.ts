import { listAccounts as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf } from './books';
import { cursorOf, keyOf, listOf, pageOf } from './cursor';

type Found = Omit<Extract<CallOutcome<typeof call>, { ok: true }>['value'], 'nextCursor'>;

export type AccountQuery = {
  readonly mode: CallRequest<typeof call>['mode'];
  /** Null for the accounts of everyone. */
  readonly tenantId: string | null;
  readonly asset: CallRequest<typeof call>['asset'];
  readonly metadata: CallRequest<typeof call>['metadata'];
  readonly after: string | null;
  readonly limit: number;
};

export function listAccounts(find: (query: AccountQuery) => Promise<Found>) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { cursor, limit, mode, tenantId, asset, metadata } = request;
    const list = listOf(call.name, request);
    const after = cursor === null ? null : keyOf(list, cursor);
    if (after === undefined) return refusalOf(call, 'cursor_invalid');
    const { accounts, watermark } = await find({ mode, tenantId, asset, metadata, after, limit: limit + 1 });
    const { rows, last } = pageOf(accounts, limit);
    return { ok: true, value: { accounts: [...rows], nextCursor: last && cursorOf(list, last.accountId), watermark } };
  };
}
