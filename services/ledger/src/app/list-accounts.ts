import { listAccounts as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf } from './books';
import { cursorOf, keyOf, pageOf } from './cursor';

type AccountView = Extract<CallOutcome<typeof call>, { ok: true }>['value']['accounts'][number];

export type AccountQuery = {
  readonly mode: CallRequest<typeof call>['mode'];
  /** Null for the accounts of everyone. */
  readonly tenantId: string | null;
  readonly after: string | null;
  readonly limit: number;
};

export function listAccounts(find: (query: AccountQuery) => Promise<readonly AccountView[]>) {
  return async ({ mode, tenantId, limit, cursor }: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const after = cursor === null ? null : keyOf(cursor);
    if (after === undefined) return refusalOf(call, 'cursor_invalid');
    const { rows, last } = pageOf(await find({ mode, tenantId, after, limit: limit + 1 }), limit);
    return { ok: true, value: { accounts: [...rows], nextCursor: last && cursorOf(last.accountId) } };
  };
}
