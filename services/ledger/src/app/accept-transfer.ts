import { acceptTransfer as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { contentHashOf, refusalOf, type Books } from './books';
import { answerTo, replayOf, type Answer } from './dry-run';
import type { Engine } from './engine';
import type { Notes } from './notes';

type Deps = { readonly books: Books; readonly notes: Notes };
type Request = CallRequest<typeof call>;

export function acceptTransfer({ books, notes }: Deps) {
  return async (request: Request): Promise<CallOutcome<typeof call>> => {
    const { mode, transferId, replayOnly = false } = request;
    const engine = books.of(mode);
    const contentHash = hashOf(request, notes);
    const answer = replayOnly
      ? await replayOf(engine, transferId, contentHash)
      : await submitted(engine, notes, request, contentHash);
    if (answer === null) return refusalOf(call, 'transfer_not_found');
    if (!answer.ok) return refusalOf(call, answer.rejection, answer.replayed);
    return { ok: true, value: { transferId, acceptedAt: answer.at, replayed: answer.replayed } };
  };
}

/**
 * The note is a person's words: it enters the event encrypted. A keyed digest of it is a part of the content hash, so
 * that a changed note is another content, and nobody without the key can try out what it says.
 */
function hashOf(request: Request, notes: Notes): string {
  const note = request.note === null ? null : notes.digest(request.note);
  return contentHashOf({ type: 'AcceptTransfer', ...termsOf(request), note });
}

/** In the order that they are hashed in, for ever. */
function termsOf({ tenantId, debitAccountId, creditAccountId, asset, amount, referenceId }: Request) {
  return { tenantId, debitAccountId, creditAccountId, asset, amount, referenceId };
}

async function submitted(engine: Engine, notes: Notes, request: Request, contentHash: string): Promise<Answer> {
  const { tenantId, transferId, debitAccountId } = request;
  // Without its account the transfer is refused anyway, and nothing is kept of the note.
  const known = await engine.read((state) => state.accounts.get(debitAccountId)?.tenantId === tenantId);
  const note = request.note === null || !known ? null : await notes.encrypt(debitAccountId, request.note);
  return answerTo(engine, { type: 'AcceptTransfer', transferId, contentHash, ...termsOf(request), note });
}
