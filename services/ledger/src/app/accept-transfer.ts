import { acceptTransfer as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { contentHashOf, refusalOf, type Books } from './books';
import type { Engine } from './engine';
import type { Notes } from './notes';

type Deps = { readonly books: Books; readonly notes: Notes };
type Request = CallRequest<typeof call>;
type Outcome = CallOutcome<typeof call>;

export function acceptTransfer({ books, notes }: Deps) {
  return async (request: Request): Promise<Outcome> => {
    const engine = books.of(request.mode);
    const contentHash = hashOf(request, notes);
    return request.replayOnly === true
      ? recordedAnswer(engine, request.transferId, contentHash)
      : submitted(engine, notes, request, contentHash);
  };
}

/**
 * The note is a person's words: it enters the event encrypted. A keyed digest of it is a part of the content hash, so
 * that a changed note is another content, and nobody without the key can try out what it says.
 */
function hashOf(request: Request, notes: Notes): string {
  const { tenantId, debitAccountId, creditAccountId, asset, amount, referenceId, note } = request;
  return contentHashOf({
    type: 'AcceptTransfer',
    tenantId,
    debitAccountId,
    creditAccountId,
    asset,
    amount,
    referenceId,
    note: note === null ? null : notes.digest(note),
  });
}

/** A read of the book, in line with what is submitted: whatever the request asks for, it can record nothing. */
async function recordedAnswer(engine: Engine, transferId: string, contentHash: string): Promise<Outcome> {
  const recorded = await engine.read((state) => state.records.get(transferId), [transferId]);
  if (recorded === undefined) return refusalOf(call, 'transfer_not_found');
  if (recorded.contentHash !== contentHash) return refusalOf(call, 'id_reused');
  if (recorded.rejection !== null) return refusalOf(call, recorded.rejection, true);
  return { ok: true, value: { transferId, acceptedAt: recorded.at, replayed: true } };
}

async function submitted(engine: Engine, notes: Notes, request: Request, contentHash: string): Promise<Outcome> {
  const { tenantId, transferId, debitAccountId, creditAccountId, asset, amount, referenceId } = request;
  // Without its account the transfer is refused anyway, and nothing is kept of the note.
  const known = await engine.read((state) => state.accounts.get(debitAccountId)?.tenantId === tenantId);
  const note = request.note === null || !known ? null : await notes.encrypt(debitAccountId, request.note);
  const outcome = await engine.submit({
    type: 'AcceptTransfer',
    transferId,
    contentHash,
    tenantId,
    debitAccountId,
    creditAccountId,
    asset,
    amount,
    referenceId,
    note,
  });
  if (!outcome.ok) return refusalOf(call, outcome.rejection, outcome.replayed);
  return { ok: true, value: { transferId, acceptedAt: outcome.at, replayed: outcome.replayed } };
}
