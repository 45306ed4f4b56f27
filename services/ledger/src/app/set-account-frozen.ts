import { setAccountFrozen as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import { refusalOf, type Books } from './books';
import { answerTo, dryRunOf } from './dry-run';

type Deps = { readonly books: Books; readonly now: Clock };

export function setAccountFrozen({ books, now }: Deps) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, accountId, frozen, actor, dryRun } = request;
    const engine = books.of(mode);
    const command = { type: 'SetAccountFrozen', accountId, frozen, actor } as const;
    const answer = await (dryRun ? dryRunOf(engine, command, now) : answerTo(engine, command));
    return answer.ok ? { ok: true, value: {} } : refusalOf(call, answer.rejection);
  };
}
