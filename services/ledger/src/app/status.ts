import type { CallOutcome, getLedgerStatus } from '@daybook/contracts';
import { parseCheckpoint } from '@daybook/proof';
import type { Clock } from '@daybook/runtime';
import type { ProvenBook } from './proofs';

/** A subscriber of the journal and the events that it has applied. */
export type Reader = { readonly name: string; readonly applied: number; readonly movedAt: string };

export type StatusDeps = {
  readonly books: readonly Pick<ProvenBook, 'mode' | 'table' | 'read' | 'length'>[];
  readers(): Promise<readonly Reader[]>;
  /** Milliseconds that an event may wait for its signature; null where nothing is signed. */
  readonly signingDelayMs: number | null;
  readonly now: Clock;
};

/** Readers are asked first: what the books get meanwhile only makes a lag look longer, never shorter. */
export function ledgerStatus(deps: StatusDeps) {
  return async (): Promise<CallOutcome<typeof getLedgerStatus>> => {
    const readers = await deps.readers();
    const books = await Promise.all(
      deps.books.map(async (book) => {
        const [events, latest] = await Promise.all([book.length(), book.table.latest()]);
        const signingLateS = await signingLate(deps, book, latest?.size ?? 0);
        if (latest === null) return { mode: book.mode, events, lastCheckpoint: null, signingLateS };
        const { size, time, keyId } = parseCheckpoint(latest.text);
        return { mode: book.mode, events, lastCheckpoint: { size, signedAt: time, keyId }, signingLateS };
      }),
    );
    const total = books.reduce((sum, { events }) => sum + events, 0);
    return {
      ok: true,
      value: { books, readers: readers.map((reader) => ({ ...reader, lag: Math.max(0, total - reader.applied) })) },
    };
  };
}

async function signingLate(
  { signingDelayMs, now }: StatusDeps,
  { read }: Pick<ProvenBook, 'read'>,
  signed: number,
): Promise<number | null> {
  if (signingDelayMs === null) return null;
  // The checkpoint itself is among the first two that it does not cover, and waits for nothing.
  const waiting = (await read(signed, signed + 2)).find(({ type }) => type !== 'CheckpointSigned');
  if (waiting === undefined) return 0;
  const { at } = JSON.parse(waiting.payload.toString('utf8')) as { at: string };
  return Math.max(0, now().getTime() - Date.parse(at) - signingDelayMs) / 1_000;
}
