import type { CallOutcome, getLedgerStatus } from '@daybook/contracts';
import { parseCheckpoint } from '@daybook/proof';
import type { ProvenBook } from './proofs';

/** A subscriber of the journal and the events that it has applied. */
export type Reader = { readonly name: string; readonly applied: number; readonly movedAt: string };

/** Readers are asked first: what the books get meanwhile only makes a lag look longer, never shorter. */
export function ledgerStatus(deps: { readonly books: readonly ProvenBook[]; readers(): Promise<readonly Reader[]> }) {
  return async (): Promise<CallOutcome<typeof getLedgerStatus>> => {
    const readers = await deps.readers();
    const books = await Promise.all(
      deps.books.map(async ({ mode, table, length }) => {
        const [events, latest] = await Promise.all([length(), table.latest()]);
        if (latest === null) return { mode, events, lastCheckpoint: null };
        const { size, time, keyId } = parseCheckpoint(latest.text);
        return { mode, events, lastCheckpoint: { size, signedAt: time, keyId } };
      }),
    );
    const total = books.reduce((sum, { events }) => sum + events, 0);
    return {
      ok: true,
      value: { books, readers: readers.map((reader) => ({ ...reader, lag: Math.max(0, total - reader.applied) })) },
    };
  };
}
