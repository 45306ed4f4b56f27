import { reverseTransfer as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import { reversalPostingIdOf } from '../domain/verdict';
import { contentHashOf, refusalOf, type Books } from './books';
import { answerTo, dryRunOf } from './dry-run';

type Deps = { readonly books: Books; readonly now: Clock };

export function reverseTransfer({ books, now }: Deps) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, reversalId, transferId, actor, dryRun } = request;
    const engine = books.of(mode);
    // The actor is not a part of the content: a colleague who repeats a request repeats the same decision.
    const contentHash = contentHashOf({ type: 'ReverseTransfer', transferId });
    const command = { type: 'ReverseTransfer', reversalId, contentHash, transferId, actor } as const;
    const answer = await (dryRun ? dryRunOf(engine, command, now) : answerTo(engine, command));
    if (!answer.ok) return refusalOf(call, answer.rejection, answer.replayed);
    const { ok: _ok, ...receipt } = answer;
    return { ok: true, value: { transferId, transactionId: reversalPostingIdOf(transferId), ...receipt } };
  };
}
