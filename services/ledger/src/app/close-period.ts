import {
  closePeriod as call,
  type getOpenPeriod as openCall,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import { hashOf } from './book-operation';
import { refusalOf, watermarkOf, type Books } from './books';
import { newIdOf } from './caller-ids';
import { answerTo, dryRunOf } from './dry-run';

export function closePeriod({ books, now }: { readonly books: Books; readonly now: Clock }) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, actor, dryRun, through } = request;
    const closeId = newIdOf(null, request.closeId);
    const contentHash = hashOf({ type: 'close', through });
    const command = { type: 'ClosePeriod', closeId, contentHash, through, actor } as const;
    const engine = books.of(mode);
    const answer = await (dryRun ? dryRunOf(engine, command, now) : answerTo(engine, command));
    if (!answer.ok) return refusalOf(call, answer.rejection, answer.replayed);
    const { ok: _ok, ...value } = answer;
    return { ok: true, value };
  };
}

export function getOpenPeriod(books: Books) {
  return async ({ mode }: CallRequest<typeof openCall>): Promise<CallOutcome<typeof openCall>> =>
    books.of(mode).read((state) => {
      const openFrom = state.openFrom === '' ? null : state.openFrom;
      return { ok: true, value: { openFrom, watermark: watermarkOf(state) } };
    });
}
