import { randomUUID } from 'node:crypto';
import { recordExamination } from '../src/adapters/book-examinations';
import { verifySnapshot } from '../src/adapters/book-refold';
import { bookMemory } from '../src/adapters/book-memory';
import { recordHashes } from '../src/adapters/record-filter';
import { segmentEvents } from '../src/adapters/record-index';
import { snapshotTable } from '../src/adapters/snapshot-table';
import { eventually, testLogger } from '@daybook/testing';
import { ledgerRig, settled, wallets, type LedgerRig } from './ledger-rig';

const settings = { SNAPSHOT_EVENTS: '1000', RECORDS_MAX: '10' };

test('a service starts from its snapshot, and answers for ever what it answered before it', async () => {
  const rig = await ledgerRig({ settings });
  await wallets(rig, 6_000n);
  const ids = Array.from({ length: 600 }, () => randomUUID());
  const first = await Promise.all(ids.map((transferId) => rig.calls.accept({ transferId, amount: 1n })));
  expect(first.every(({ ok }) => ok)).toBe(true);
  await settled(rig);
  const memory = bookMemory('book-sandbox', {
    pool: rig.pool,
    filterBytes: 1_024,
    recordsMax: 10,
    snapshotEvery: 1_000,
    logger: testLogger().logger,
  });
  await rig.restart();
  // The stop wrote down what the start would have read.
  const { rows } = await rig.pool.query<{ length: string }>(
    `select max(last_revision) + 1 as length from appends where stream = 'book-sandbox'`,
  );
  expect((await memory.snapshots.latest())?.sequence).toBe(Number(rows[0]?.length));
  const deps = { store: rig.store, pool: rig.pool, memories: new Map([['sandbox', memory] as const]) };
  expect(await recordExamination(deps).examine(new AbortController().signal)).toEqual([]);
  const again = await rig.calls.accept({ transferId: ids[0]!, amount: 1n });
  expect(again).toMatchObject({ ok: true, value: { transferId: ids[0], replayed: true } });
  await rig.pool.query('delete from book_record_keys');
  await rig.restart();
  const withAnotherKey = await rig.calls.accept({ transferId: ids[1]!, amount: 1n });
  expect(withAnotherKey).toMatchObject({ ok: true, value: { transferId: ids[1], replayed: true } });
  await eventually(
    async () => expect(await verifySnapshot(rig.store, 'book-sandbox', memory)).toMatchObject({ ok: true }),
    { timeoutMs: 10_000 },
  );
  await rig.close();
});

test('engines that write the snapshot of one place at the same time disturb neither each other nor who reads', async () => {
  const rig = await ledgerRig();
  const table = snapshotTable(rig.pool, 'a book');
  const snapshot = { sequence: 5, head: 'h', unstored: Float64Array.of(0, 7) };
  const read = async () => {
    const latest = await table.latest();
    return latest && { hash: latest.stateHash, text: Buffer.concat(latest.parts).toString() };
  };
  async function* parts(...texts: readonly string[]) {
    for (const text of texts) yield Buffer.from(text);
  }
  async function* slowParts() {
    yield Buffer.from('slow ');
    expect(await read()).toBeUndefined();
    await table.add(snapshot, parts('first ', 'one'), () => 'of the first');
    expect(await read()).toEqual({ hash: 'of the first', text: 'first one' });
    yield Buffer.from('one');
  }
  await table.add(snapshot, slowParts(), () => 'of the second');
  expect(await read()).toEqual({ hash: 'of the first', text: 'first one' });
  async function* broken() {
    yield* parts('half of');
    throw new Error('broken off');
  }
  await expect(table.add({ ...snapshot, sequence: 9 }, broken(), () => '')).rejects.toThrow('broken off');
  const { rows } = await rig.pool.query('select count(*)::integer as parts from book_snapshot_parts');
  expect(rows).toEqual([{ parts: 2 }]);
  for (const sequence of [6, 7]) await table.add({ ...snapshot, sequence }, parts('later'), () => `${sequence}`);
  expect(await read()).toEqual({ hash: '7', text: 'later' });
  const kept = await rig.pool.query('select sequence from book_snapshot_parts order by sequence');
  expect(kept.rows).toEqual([{ sequence: '6' }, { sequence: '7' }]);
  await rig.close();
});

async function recordIndex({ pool }: LedgerRig, book: string) {
  const sizes = { filterBytes: 1_024, recordsMax: 10, snapshotEvery: 1_000 };
  const { segments } = bookMemory(book, { pool, ...sizes, logger: testLogger().logger });
  return { segments, recordHash: recordHashes(await segments.key()) };
}

test('stored segments of the record index give back the places of their ids', async () => {
  const rig = await ledgerRig();
  const { segments, recordHash } = await recordIndex(rig, 'a book');
  const hashes = Array.from({ length: 5_000 }, (_, n) => recordHash(`id-${n}`));
  for (const first of [0, segmentEvents]) {
    const entries = Float64Array.from(hashes, (hash, n) => hash * segmentEvents + n).sort();
    await segments.add({ first, entries });
    await segments.add({ first, entries });
  }
  expect(await segments.count(2 * segmentEvents)).toBe(2);
  for (const some of [[17], [17, 4_999], Array.from({ length: 40 }, (_, n) => n * 100)]) {
    const found = new Set<number>();
    for await (const { first, entries } of segments.near(
      some.map((n) => hashes[n]!),
      2 * segmentEvents,
    )) {
      for (const entry of entries)
        if (some.some((n) => hashes[n] === Math.floor(entry / segmentEvents)))
          found.add(first + (entry % segmentEvents));
    }
    expect([...found].toSorted((a, b) => a - b)).toEqual([...some, ...some.map((n) => n + segmentEvents)]);
  }
  await rig.close();
});

test('a segment that another journal has left is replaced: an id that it does not have is not absent', async () => {
  const rig = await ledgerRig();
  const { segments, recordHash } = await recordIndex(rig, 'a restored book');
  const entryOf = (id: string) => Float64Array.of(recordHash(id) * segmentEvents);
  await segments.add({ first: 0, entries: Float64Array.of() });
  for (const id of ['lost', 'kept']) await segments.add({ first: 0, entries: entryOf(id) });
  for (const found of [segments.before(segmentEvents), segments.near([recordHash('kept')], segmentEvents)])
    for await (const segment of found) expect(segment).toEqual({ first: 0, entries: entryOf('kept') });
  expect(await segments.count(segmentEvents)).toBe(1);
  await rig.close();
});

test('ids that are chosen so that their hashes lie together hide no other', async () => {
  const rig = await ledgerRig();
  const { segments, recordHash } = await recordIndex(rig, 'a crowded book');
  const honest = Array.from({ length: 2_000 }, (_, n) => recordHash(`id-${n}`));
  const crowd = Array.from({ length: 20_000 }, (_, n) => n);
  const entries = Float64Array.from([...crowd, ...honest], (hash, n) => hash * segmentEvents + n).sort();
  await segments.add({ first: 0, entries });
  for (const n of [0, 1_000, 1_999]) {
    const found: number[] = [];
    for await (const segment of segments.near([honest[n]!], segmentEvents))
      for (const entry of segment.entries)
        if (Math.floor(entry / segmentEvents) === honest[n]) found.push(entry % segmentEvents);
    expect(found).toEqual([crowd.length + n]);
  }
  await rig.close();
});
