import { setAccountFrozen as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import { contentHashOf, refusalOf, type Books } from './books';
import { answerTo, dryRunOf } from './dry-run';

type Deps = { readonly books: Books; readonly now: Clock };

export function setAccountFrozen({ books, now }: Deps) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, changeId = null, accountId, frozen, actor, dryRun } = request;
    const engine = books.of(mode);
    const contentHash =
      changeId === null ? null : contentHashOf({ type: 'SetAccountFrozen', accountId, frozen: String(frozen) });
    const command = { type: 'SetAccountFrozen', changeId, contentHash, accountId, frozen, actor } as const;
    const answer = await (dryRun ? dryRunOf(engine, command, now) : answerTo(engine, command));
    if (!answer.ok) return refusalOf(call, answer.rejection, answer.replayed);
    // Without a name nothing is answered a second time: the account only is as it was asked for already.
    return { ok: true, value: { replayed: changeId !== null && answer.replayed } };
  };
}
