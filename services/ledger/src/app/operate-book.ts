import {
  operateBook as single,
  operateBookInBulk as bulk,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { assert } from '@daybook/core';
import type { Clock } from '@daybook/runtime';
import { commandOf } from './book-operation';
import { refusalOf, type Books } from './books';
import { answerTo, bulkAnswerTo, bulkDryRunOf, dryRunOf } from './dry-run';

type Deps = { readonly books: Books; readonly now: Clock };

export function operateBook({ books, now }: Deps) {
  return async ({
    mode,
    operation,
    dryRun,
    ...asked
  }: CallRequest<typeof single>): Promise<CallOutcome<typeof single>> => {
    const engine = books.of(mode);
    const command = commandOf(operation, asked);
    const answer = await (dryRun ? dryRunOf(engine, command, now) : answerTo(engine, command));
    if (!answer.ok) {
      const refusal = refusalOf(single, answer.rejection, answer.replayed);
      return answer.about === null ? refusal : { ...refusal, about: answer.about };
    }
    const { ok: _ok, ...value } = answer;
    return { ok: true, value };
  };
}

/** A tenant's bulk is like any other caller's: what it may touch is for each operation to say. */
export function operateBookInBulk({ books, now }: Deps) {
  return async (request: CallRequest<typeof bulk>): Promise<CallOutcome<typeof bulk>> => {
    const { mode, operations, atomic, dryRun, ...asked } = request;
    const engine = books.of(mode);
    const commands = operations.map((operation) => commandOf(operation, asked));
    const answer = await (dryRun
      ? bulkDryRunOf(engine, commands, { atomic, now })
      : bulkAnswerTo(engine, commands, { atomic }));
    const { outcomes, failed } = answer;
    return {
      ok: true,
      value: {
        outcomes: outcomes.map((one) => (one.ok ? one : { ...one, rejection: named(one.rejection) })),
        failed: failed && { ...failed, rejection: named(failed.rejection) },
      },
    };
  };
}

type Named = (typeof single)['rejections'][number];

/** A refusal that the contract does not name would be a bug. */
function named(rejection: string): Named {
  const found = single.rejections.find((one) => one === rejection);
  assert(found !== undefined, `${bulk.name} does not name ${rejection}`);
  return found;
}
