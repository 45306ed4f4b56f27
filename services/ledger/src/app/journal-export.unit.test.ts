import {
  createExportVerifier,
  eventHash,
  generateSigningKey,
  genesisHash,
  parseSigningKey,
  signCheckpoint,
  type SigningKey,
} from '@daybook/proof';
import { planJournalExport, readJournalExport } from './journal-export';
import { journalTree, type RecordedCheckpoint } from './journal-tree';
import type { ProvenBook } from './proofs';

const key = parseSigningKey(generateSigningKey());
const nextKey = parseSigningKey(generateSigningKey());
const origin = 'test/book-live';
const february = '2026-02-11T10:00:00.000Z';
const april = '2026-04-11T10:00:00.000Z';

/** Five events and their signature in February; in April the key changes before anything else is recorded. */
async function quietBook(): Promise<ProvenBook> {
  const events: { type: string; payload: Buffer }[] = [];
  const signed: RecordedCheckpoint[] = [];
  const read = async (from: number, to: number) => events.slice(from, to);
  async function* scan(from: number, to: number) {
    yield events.slice(from, to);
  }
  // Too short for a stored hash.
  const nodes = { count: async () => 0, hashes: async () => [], add: async () => undefined };
  const table = {
    ...nodes,
    latest: async () => signed.at(-1) ?? null,
    firstCovering: async (size: number) => signed.find((one) => one.size >= size) ?? null,
    within: async (from: number, to: number) => signed.filter(({ size }) => size >= from && size <= to),
    keyChanges: async (upTo: number) => signed.filter(({ changesKey, size }) => changesKey && size <= upTo),
  };
  const tree = journalTree({ read, scan, table, checkpointOf: () => null });
  const record = (event: string, at: string, fields: object = {}) => {
    const last = events.at(-1);
    const previousHash = last === undefined ? genesisHash : eventHash(last.payload);
    events.push({ type: event, payload: Buffer.from(JSON.stringify({ event, ...fields, at, previousHash })) });
  };
  const sign = async (at: string, by: SigningKey, introduced: SigningKey | null) => {
    const size = events.length;
    const content = { origin, size, ...(await tree.at(size)), time: at, nextKey: introduced?.publicKey ?? null };
    const { text, signature } = signCheckpoint(content, by);
    signed.push({ text, signature, size, sequence: size, changesKey: introduced !== null });
    record('CheckpointSigned', at, { checkpoint: text, signature });
  };
  for (let n = 0; n < 5; n++) record('E', february);
  await sign(february, key, null);
  await sign(april, key, nextKey);
  for (let n = 0; n < 3; n++) record('E', april);
  await sign(april, nextKey, null);
  return { mode: 'live', origin, tree, table, read, length: async () => events.length };
}

type Bounds = Pick<Parameters<ReturnType<typeof planJournalExport>>[0], 'from' | 'to'>;

async function verdictOf(book: ProvenBook, bounds: Bounds) {
  const deps = { bookOf: () => book };
  const plan = await planJournalExport(deps)({ mode: 'live', ...bounds });
  if (!plan.ok) throw new Error(plan.rejection);
  const { first, last, header, manifest } = plan.value;
  let text = header;
  for (let next = first; next <= last;) {
    const page = await readJournalExport(deps)({ mode: 'live', first, last, next });
    if (!page.ok) throw new Error(page.rejection);
    text += page.value.lines;
    next = page.value.next;
  }
  const verifier = createExportVerifier(key.publicKey);
  for (const line of (text + manifest).split('\n').slice(0, -1)) verifier.line(Buffer.from(line));
  return verifier.end();
}

test('every range of a book that changed its key verifies, of none of its events too', async () => {
  const book = await quietBook();
  for (let first = 0; first <= 10; first++) {
    for (let last = Math.max(first - 1, 0); last <= 9; last++) {
      const verdict = await verdictOf(book, { from: { sequence: first }, to: { sequence: last } });
      expect(verdict).toMatchObject({ status: 'valid', problem: null, first, last });
    }
  }
});

test('a month without events before a change of keys is proven to have none', async () => {
  const bounds = { from: { instant: '2026-03-01T00:00:00.000Z' }, to: { instant: '2026-04-01T00:00:00.000Z' } };
  expect(await verdictOf(await quietBook(), bounds)).toMatchObject({
    status: 'valid',
    first: 6,
    last: 5,
    events: 0,
    keyIds: [key.publicKey.keyId],
  });
});
