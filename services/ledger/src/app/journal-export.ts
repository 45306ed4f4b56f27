/**
 * The export of a range of a book, planned first and then read page by page, so that neither side holds more than a page.
 * Its bounds are fixed when it is planned: what the book gets meanwhile is of another export.
 */
import type { CallOutcome, CallRequest, planExport, readExport } from '@daybook/contracts';
import { eventHash, exportFormat, genesisHash, subtreesOf, writeExportLine, type Span } from '@daybook/proof';
import type { ProvenBook, ProofDeps } from './proofs';

type Plan = CallRequest<typeof planExport>;
type Bound = NonNullable<Plan['from']>;

/** Events of a page at most, and bytes of their lines after which no other event is added. */
const pageEventsMax = 1_000;
const pageBytesMax = 1_048_576;

export function planJournalExport({ bookOf }: Pick<ProofDeps, 'bookOf'>) {
  return async ({ mode, from, to }: Plan): Promise<CallOutcome<typeof planExport>> => {
    const book = bookOf(mode);
    const length = await book.length();
    const first = await firstOf(book, from, length);
    const asked = await lastOf(book, to, length);
    if (first === null || asked === null || first > asked + 1) return { ok: false, rejection: 'range_invalid' };
    await book.tree.reach(length);
    const leftOut = to === null ? await checkpointAt(book, { first, last: asked }) : null;
    const last = leftOut === null ? asked : leftOut - 1;
    const range = { format: exportFormat, origin: book.origin, book: mode, first, last } as const;
    const keyChanges = await book.table.keyChanges(first);
    const tree = await hashes(book, { start: 0, end: first });
    const header = { type: 'header', ...range, previousHash: await hashBefore(book, first), tree, keyChanges } as const;
    const covering = await book.table.firstCovering(Math.max(last + 1, 1));
    const coveredBy =
      covering === null ? null : { ...covering, rest: await hashes(book, { start: last + 1, end: covering.size }) };
    const headHash = await hashBefore(book, last + 1);
    const manifest = { type: 'manifest', ...range, events: last + 1 - first, headHash, coveredBy } as const;
    return {
      ok: true,
      value: {
        first,
        last,
        leftOut,
        header: `${writeExportLine(header)}\n`,
        manifest: `${writeExportLine(manifest)}\n`,
      },
    };
  };
}

export function readJournalExport({ bookOf }: Pick<ProofDeps, 'bookOf'>) {
  return async (page: CallRequest<typeof readExport>): Promise<CallOutcome<typeof readExport>> => {
    const { mode, first, last, next } = page;
    const book = bookOf(mode);
    if (next < first || next > last || last >= (await book.length())) return { ok: false, rejection: 'range_invalid' };
    const events = await book.read(next, Math.min(last + 1, next + pageEventsMax));
    const checkpoints = await book.table.within(Math.max(next, first + 1), next + events.length - 1);
    const bySize = new Map(checkpoints.map((checkpoint) => [checkpoint.size, checkpoint]));
    const lines: string[] = [];
    let bytes = 0;
    let sequence = next;
    for (const { payload } of events) {
      if (bytes > pageBytesMax) break;
      const covering = bySize.get(sequence);
      if (covering !== undefined) lines.push(writeExportLine({ type: 'checkpoint', ...covering }));
      lines.push(writeExportLine({ type: 'event', sequence, payload }));
      bytes += payload.length;
      sequence += 1;
    }
    return { ok: true, value: { lines: lines.map((line) => `${line}\n`).join(''), next: sequence } };
  };
}

async function firstOf(book: ProvenBook, from: Bound | null, length: number): Promise<number | null> {
  if (from === null) return 0;
  const first = 'sequence' in from ? from.sequence : await recordedAt(book, from.instant, length);
  return first > length ? null : first;
}

async function lastOf(book: ProvenBook, to: Bound | null, length: number): Promise<number | null> {
  if (to === null) return length - 1;
  const last = 'sequence' in to ? to.sequence : (await recordedAt(book, to.instant, length)) - 1;
  return last >= length ? null : last;
}

/**
 * The checkpoint that is the last event of the range. It covers only what is before it, and nothing is signed of it until
 * the book goes on: with it the export of a quiet book would never be covered whole.
 */
async function checkpointAt(
  { table }: ProvenBook,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<number | null> {
  const latest = await table.latest();
  return latest !== null && latest.sequence === last && last >= first ? last : null;
}

/** The first event that was recorded at the instant or later; times in a book never go back. */
async function recordedAt(book: ProvenBook, instant: string, length: number): Promise<number> {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [event] = await book.read(middle, middle + 1);
    const { at } = JSON.parse(event!.payload.toString('utf8')) as { at: string };
    if (at < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function hashBefore(book: ProvenBook, sequence: number): Promise<string> {
  const [event] = sequence === 0 ? [] : await book.read(sequence - 1, sequence);
  return event === undefined ? genesisHash : eventHash(event.payload);
}

async function hashes(book: ProvenBook, span: Span): Promise<readonly string[]> {
  const subtrees = subtreesOf(span).map(({ level, index }) => ({
    start: index * 2 ** level,
    end: (index + 1) * 2 ** level,
  }));
  return (await book.tree.hashesOf(subtrees)).map((hash) => hash.toString('base64'));
}
