import { acceptTransfer as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { contentHashOf, refusalOf, type Books } from './books';
import type { Notes } from './notes';

/**
 * The note is a person's words: it enters the event encrypted. A keyed digest of it is a part of the content hash, so
 * that a changed note is another content, and nobody without the key can try out what it says.
 */
export function acceptTransfer({ books, notes }: { readonly books: Books; readonly notes: Notes }) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, tenantId, transferId, debitAccountId, creditAccountId, asset, amount, referenceId } = request;
    const contentHash = contentHashOf({
      type: 'AcceptTransfer',
      tenantId,
      debitAccountId,
      creditAccountId,
      asset,
      amount,
      referenceId,
      note: request.note === null ? null : notes.digest(request.note),
    });
    const engine = books.of(mode);
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
  };
}
