import { testLogger } from '@daybook/testing';
import { createHash } from 'node:crypto';
import { recordExamination, snapshotExamination } from '../src/adapters/book-examinations';
import { bookMemory, type BookMemory } from '../src/adapters/book-memory';
import { refoldBook } from '../src/adapters/book-refold';
import { captureState, snapshotParts } from '../src/adapters/book-snapshot';
import { recordHashes } from '../src/adapters/record-filter';
import { segmentEvents } from '../src/adapters/record-index';
import type { BookState } from '../src/domain/book-state';
import { recordIdsOf } from '../src/domain/records';
import { validHistory } from './check-history';
import { checkRig, dirty, violationsOf, type CheckRig } from './check-rig';

let rig: CheckRig;
let memory: BookMemory;
beforeAll(async () => {
  rig = await checkRig();
  const { logger } = testLogger();
  const settings = { recordsMax: 10, snapshotEvery: 1_000_000, filterBytes: 1_048_576, logger };
  memory = bookMemory('book-sandbox', { ...settings, pool: rig.pool });
});
afterEach(() =>
  rig.pool.query('delete from book_records; delete from book_snapshots; delete from book_snapshot_parts'),
);
afterAll(() => rig?.close());

const check = async () => {
  const deps = { store: rig.store, memories: new Map([['sandbox', memory] as const]) };
  return rig.check({ examinations: [snapshotExamination(deps), recordExamination(deps)] });
};

/** The entries of the engine's own index. */
async function entries(): Promise<number[]> {
  const recordHash = recordHashes(await memory.segments.key());
  return validHistory().flatMap((event, sequence) =>
    recordIdsOf(event).map((id) => recordHash(id) * segmentEvents + sequence),
  );
}

const store = (list: readonly number[], first = 0) =>
  memory.segments.add({ first, entries: Float64Array.from(list).sort() });

test('a record index with an entry for every id is clean; with one that is missing, wrong or in a gap it is not', async () => {
  const all = await entries();
  expect(all.length).toBeGreaterThan(20);
  await store(all);
  expect(dirty(await check()).invariants).toEqual([]);
  await rig.pool.query('delete from book_records');
  const last = all.at(-1)!;
  await store([...all.slice(0, -1), last + segmentEvents]);
  await store([], 2 * segmentEvents);
  const report = await check();
  expect(dirty(report).invariants).toEqual(['RECORDS']);
  const where = `record index, event ${last % segmentEvents}`;
  expect(violationsOf(report, 'RECORDS')).toMatchObject([
    { mode: 'sandbox', where, expected: 'an entry of its id', actual: 'none' },
    { where, expected: 'no entry', actual: `${last + segmentEvents}` },
    { where: 'record index', expected: `the segment from ${segmentEvents}`, actual: 'none' },
  ]);
});

async function snapshot(change: (state: BookState) => void): Promise<void> {
  const { state, head } = await refoldBook(rig.store, 'book-sandbox', 20);
  change(state);
  const hash = createHash('sha256');
  async function* parts() {
    for await (const part of snapshotParts(captureState(state, head), async () => undefined)) {
      hash.update(part);
      yield part;
    }
  }
  const unstored = Float64Array.from(
    (await entries()).flatMap((entry) => (entry % segmentEvents < 20 ? [0, entry] : [])),
  );
  await memory.snapshots.add({ sequence: 20, head, unstored }, parts(), () => hash.digest('hex'));
}

test('a snapshot of the journal is clean, and one that was changed is not', async () => {
  await snapshot(() => undefined);
  expect(dirty(await check()).invariants).toEqual([]);
  await rig.pool.query('delete from book_snapshots; delete from book_snapshot_parts');
  await snapshot((state) => (state.accounts.get('wallet-alice')!.posted += 1n));
  const report = await check();
  expect(dirty(report).invariants).toEqual(['SNAPSHOT']);
  expect(violationsOf(report, 'SNAPSHOT')).toMatchObject([
    { sequence: 20, actual: 'its state is not that of the journal' },
  ]);
});
