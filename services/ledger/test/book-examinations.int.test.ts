import { testLogger } from '@daybook/testing';
import { createHash } from 'node:crypto';
import { recordExamination, snapshotExamination, strayExamination } from '../src/adapters/book-examinations';
import { bookMemory, type BookMemory } from '../src/adapters/book-memory';
import { refoldBook } from '../src/adapters/book-refold';
import { captureState, snapshotParts } from '../src/adapters/book-snapshot';
import { recordHashes } from '../src/adapters/record-filter';
import { segmentEvents } from '../src/adapters/record-index';
import { treeRows } from '../src/adapters/tree-table';
import { treeExamination } from '../src/app/tree-examination';
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
const tables = [
  'book_records',
  'book_record_keys',
  'book_snapshots',
  'book_snapshot_parts',
  'merkle_nodes',
  'signed_checkpoints',
];
afterEach(() => rig.pool.query(tables.map((table) => `delete from ${table}`).join(';')));
afterAll(() => rig?.close());

const stream = 'book-sandbox';
const check = async () => {
  const deps = { store: rig.store, pool: rig.pool, memories: new Map([['sandbox', memory] as const]) };
  const tree = treeExamination([
    {
      mode: 'sandbox',
      origin: 'test',
      rows: treeRows(rig.pool, 'sandbox'),
      reached: async () => rig.events,
      scan: (from, to) => rig.store.scanStream(stream, { from: BigInt(from), to: BigInt(to - 1) }),
      // The history's checkpoint signs nothing.
      checkpointOf: () => null,
    },
  ]);
  return rig.check({
    examinations: [tree, snapshotExamination(deps), recordExamination(deps), strayExamination(rig.pool)],
  });
};

const recordKey = Buffer.from('hash key');

/** The entries of the engine's own index. */
async function entries(): Promise<number[]> {
  await rig.pool.query('insert into book_record_keys (stream, key) values ($1, $2) on conflict do nothing', [
    stream,
    recordKey,
  ]);
  const recordHash = recordHashes(recordKey);
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
    { where: 'record index', expected: 'segments of events that there are', actual: `one from ${2 * segmentEvents}` },
  ]);
});

test.each([-segmentEvents, 2 ** 40])('a segment of events that there are not is found, as from %d', async (first) => {
  await store(await entries());
  await store([], first);
  expect(violationsOf(await check(), 'RECORDS')).toContainEqual(
    expect.objectContaining({ expected: 'segments of events that there are', actual: `one from ${first}` }),
  );
});

test('a segment whose entries have lost their order is found: they are looked for near their places', async () => {
  const [last, ...others] = (await entries()).toSorted((a, b) => b - a);
  await memory.segments.add({ first: 0, entries: Float64Array.of(last!, ...others.toReversed()) });
  expect(violationsOf(await check(), 'RECORDS')).toMatchObject([{ expected: 'entries in their order' }]);
});

test('the stored key is the one that the entries were made with, not the one that a process remembers', async () => {
  await store(await entries());
  expect(dirty(await check()).invariants).toEqual([]);
  expect(Buffer.from(await memory.segments.key())).toEqual(recordKey);
  await rig.pool.query(`update book_record_keys set key = 'another!'`);
  expect(dirty(await check()).invariants).toEqual(['RECORDS']);
  await rig.pool.query('delete from book_record_keys');
  expect(violationsOf(await check(), 'RECORDS')).toMatchObject([{ expected: 'the key of its hashes', actual: 'none' }]);
  await rig.pool.query('delete from book_records');
  expect(dirty(await check()).invariants).toEqual([]);
});

async function snapshot(
  change: (state: BookState) => void,
  changeUnstored = (unstored: number[]) => unstored,
): Promise<void> {
  const { state, head } = await refoldBook(rig.store, 'book-sandbox', 20);
  change(state);
  const hash = createHash('sha256');
  async function* parts() {
    for await (const part of snapshotParts(captureState(state, head), async () => undefined)) {
      hash.update(part);
      yield part;
    }
  }
  const noted = (await entries()).flatMap((entry) => (entry % segmentEvents < 20 ? [0, entry] : []));
  const unstored = Float64Array.from(changeUnstored(noted));
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

test.each<[string, (unstored: number[]) => number[], object]>([
  ['without the last', (unstored) => unstored.slice(0, -2), { expected: 'an entry of its id', actual: 'none' }],
  ['without any', () => [], { expected: 'an entry of its id', actual: 'none' }],
  ['with one more', (unstored) => [...unstored, 0, 7], { where: 'record index, event 7', actual: '7' }],
  [
    'with one of a segment that begins later',
    (unstored) => [...unstored, segmentEvents, 7],
    { where: `record index, event ${segmentEvents + 7}`, actual: '7' },
  ],
  [
    'with one behind a later segment',
    (unstored) => [...unstored.slice(0, -2), segmentEvents, 7, ...unstored.slice(-2)],
    { where: 'snapshot', actual: `0 after ${segmentEvents}` },
  ],
  ['that begin within a segment', (unstored) => [1, 7, ...unstored], { expected: 'entries of a segment', actual: '1' }],
])('entries that a snapshot keeps for the index are looked at: %s', async (_name, change, violation) => {
  await snapshot(() => undefined, change);
  expect(violationsOf(await check(), 'RECORDS')).toContainEqual(expect.objectContaining(violation));
});

test('rows of the tree that no event made are found, whatever they say of themselves', async () => {
  expect(dirty(await check()).invariants).toEqual([]);
  const checkpoint = 'insert into signed_checkpoints (mode, size, sequence, checkpoint, signature, changes_key)';
  await rig.pool.query(
    `${checkpoint} values ($1, $2, $3, 't', 's', false), ($1, $4, $4, 't', 's', false),
                                             ($1, -1, 0, 't', 's', false)`,
    ['sandbox', 5, rig.events, 2 ** 40],
  );
  const node = 'insert into merkle_nodes (mode, level, index, hash)';
  await rig.pool.query(`${node} values ($1, 8, -1, $2), ($1, 24, 3, $2)`, ['sandbox', Buffer.alloc(32)]);
  const report = await check();
  expect(dirty(report).invariants).toEqual(['TREE']);
  const byPlace = violationsOf(report, 'TREE').map(({ where, actual }) => [where, actual]);
  expect(byPlace.toSorted()).toEqual(
    [
      ['checkpoint of -1', 'none'],
      [`checkpoint of ${2 ** 40}`, 'none'],
      ['checkpoint of 5', 'none'],
      ['tree, level 24', '4'],
      ['tree, level 8', 'one of index -1'],
    ].toSorted(),
  );
});

test.each([
  ['merkle_nodes', `(mode, level, index, hash) values ('other', 8, 0, decode(repeat('00', 32), 'hex'))`],
  [
    'signed_checkpoints',
    `(mode, size, sequence, checkpoint, signature, changes_key) values ('other', 1, 1, '', '', false)`,
  ],
  ['book_records', `(stream, first_sequence, count, entries) values ('other', 0, 0, '')`],
  ['book_record_keys', `(stream, key) values ('other', 'hash key')`],
  [
    'book_snapshots',
    `(stream, sequence, head, state_hash, unstored, writing)
                      values ('other', 1, '', '', '', gen_random_uuid())`,
  ],
  ['book_snapshot_parts', `(writing, part, stream, sequence, bytes) values (gen_random_uuid(), 0, 'other', 1, '')`],
])('a row of %s that is of no book is found', async (table, row) => {
  await rig.pool.query(`insert into ${table} ${row}`);
  const report = await check();
  expect(dirty(report).invariants).toEqual(['STRAYS']);
  expect(violationsOf(report, 'STRAYS')).toMatchObject([{ where: table, actual: '1 of other' }]);
});
