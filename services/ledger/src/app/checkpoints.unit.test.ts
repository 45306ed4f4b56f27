import { AssertionError, OperationalError } from '@daybook/core';
import { memoryEventStore } from '@daybook/event-store';
import { createTrust, generateSigningKey, parseCheckpoint, parseSigningKey, type SigningKey } from '@daybook/proof';
import { eventually, fakeClock, testLogger } from '@daybook/testing';
import type { Pool } from 'pg';
import { engineOn, open } from '../../test/engine-rig';
import { provenBook } from '../adapters/proven-books';
import type { treeTable } from '../adapters/tree-table';
import type { Books } from './books';
import { createCheckpoints, type BookToSign } from './checkpoints';
import { journalTree, type RecordedCheckpoint, type TreeNode } from './journal-tree';

const origin = 'test/book-live';
const first = parseSigningKey(generateSigningKey());
const second = parseSigningKey(generateSigningKey());

/** A book in memory: events are texts, and a checkpoint is the text of itself. */
function book() {
  const events: { type: string; payload: Buffer }[] = [];
  const nodes: TreeNode[] = [];
  const recorded: RecordedCheckpoint[] = [];
  const table = {
    count: async () => nodes.filter(({ level }) => level === 8).length,
    hashes: async (level: number, from: number, to: number) =>
      nodes.filter((node) => node.level === level && node.index >= from && node.index < to).map(({ hash }) => hash),
    add: async (added: readonly TreeNode[], checkpoints: readonly RecordedCheckpoint[]) => {
      nodes.push(...added);
      recorded.push(...checkpoints.filter(({ size }) => !recorded.some((known) => known.size === size)));
    },
    latest: async () => recorded.at(-1) ?? null,
    firstCovering: async () => null,
    within: async () => [],
    keyChanges: async () => [],
  };
  const openTree = () =>
    journalTree({
      read: async (from, to) => events.slice(from, to),
      async *scan(from, to) {
        yield events.slice(from, to);
      },
      table,
      checkpointOf: ({ type, payload }, sequence) => {
        if (type !== 'CheckpointSigned') return null;
        const signed = JSON.parse(payload.toString()) as { text: string; signature: string };
        const { size, nextKey } = parseCheckpoint(signed.text);
        return { ...signed, size, sequence, changesKey: nextKey !== null };
      },
    });
  const post = (count: number) => {
    for (let n = 0; n < count; n++) events.push({ type: 'E', payload: Buffer.from(`event ${events.length}`) });
  };
  const record = async (signed: unknown) => {
    events.push({ type: 'CheckpointSigned', payload: Buffer.from(JSON.stringify(signed)) });
    return true;
  };
  return { events, nodes, recorded, table, post, openTree, record, length: async () => events.length };
}

/** A book with its engine. What a signer has signed is recorded at once, or when the test says so. */
async function bookOfEngine() {
  const store = memoryEventStore();
  const { engine } = engineOn(store);
  await engine.start();
  const books = { of: () => engine } as unknown as Books;
  const { table, recorded } = book();
  const held: (() => Promise<void>)[] = [];
  const signer = (key: SigningKey, formerKey: SigningKey | null, { isHeld = false } = {}) => {
    const proven = provenBook(
      {
        pool: {} as Pool,
        tableOf: () => table as unknown as ReturnType<typeof treeTable>,
        store,
        books,
        origin: 'test',
      },
      'sandbox',
    );
    const record: BookToSign['record'] = (...asked) =>
      isHeld
        ? new Promise((resolve) => held.push(async () => resolve(await proven.record(...asked))))
        : proven.record(...asked);
    return createCheckpoints({
      books: [{ ...proven, table, record }],
      key,
      formerKey,
      eventsMax: 1,
      delayMs: 0,
      now: fakeClock('2026-02-11T10:00:00.000Z'),
      logger: testLogger().logger,
      onFatal: (error) => expect(error).toBeUndefined(),
    });
  };
  return { engine, recorded, held, signer };
}

type Options = { readonly key?: SigningKey | null; readonly formerKey?: SigningKey; readonly named?: string };

function rig(options: Options = {}, of = book()) {
  const clock = fakeClock('2026-02-11T10:00:00.000Z');
  const { logger, lines } = testLogger();
  const fatal: unknown[] = [];
  const worker = createCheckpoints({
    books: [{ ...of, origin: options.named ?? origin, tree: of.openTree() }],
    key: options.key === undefined ? first : options.key,
    formerKey: options.formerKey ?? null,
    eventsMax: 100,
    delayMs: 10_000,
    now: clock,
    logger,
    onFatal: (error) => fatal.push(error),
  });
  /** Looks, and once more when the longest delay is over. */
  const lookLater = async () => {
    await worker.look();
    clock.advance(10_000);
    await worker.look();
    await worker.look();
  };
  const sizes = () => of.recorded.map(({ size }) => size);
  return { ...of, book: of, worker, clock, lines, fatal, sizes, lookLater };
}

/** Who trusts the first key alone comes to trust these, each from a size on. */
function keysTrusted(of: string, recorded: readonly RecordedCheckpoint[]) {
  const trust = createTrust(of, first.publicKey);
  for (const checkpoint of recorded) trust.accept(checkpoint);
  return trust.keys().map(({ key, after }) => [key.keyId, after]);
}

describe('checkpoints', () => {
  test('are signed when new events have waited long enough, and not for their own sake', async () => {
    const it = rig();
    await it.worker.look();
    it.post(3);
    await it.worker.look();
    expect(it.sizes()).toEqual([]);
    it.clock.advance(9_999);
    await it.worker.look();
    expect(it.sizes()).toEqual([]);
    it.clock.advance(1);
    await it.worker.look();
    await it.lookLater();
    expect(it.sizes()).toEqual([3]);
    expect(it.events).toHaveLength(4);
    it.post(1);
    await it.lookLater();
    expect(it.sizes()).toEqual([3, 5]);
  });

  test('are signed at once when there are many new events', async () => {
    const it = rig();
    it.post(99);
    await it.worker.look();
    expect(it.events).toHaveLength(99);
    it.post(1);
    await it.worker.look();
    expect(it.events).toHaveLength(101);
  });

  test('are not signed sooner because another process has signed what was waiting', async () => {
    const it = rig();
    const other = rig({}, it.book);
    it.post(3);
    await it.worker.look();
    await other.lookLater();
    it.post(1);
    it.clock.advance(10_000);
    await it.worker.look();
    expect(it.sizes()).toEqual([3]);
    await it.lookLater();
    expect(it.sizes()).toEqual([3, 5]);
  });

  test('form a chain of trust from the first key over a change of keys', async () => {
    const it = rig();
    it.post(3);
    await it.lookLater();
    const later = rig({ key: second, formerKey: first }, it.book);
    await later.lookLater();
    later.post(300);
    await later.lookLater();
    expect(keysTrusted(origin, it.recorded)).toEqual([
      [first.publicKey.keyId, 0],
      [second.publicKey.keyId, 4],
    ]);
    expect(it.sizes()).toEqual([3, 4, 305]);
  });

  test('form a chain of trust from the first key over a change of keys that was taken back', async () => {
    const it = rig();
    it.post(3);
    await it.lookLater();
    await rig({ key: second, formerKey: first }, it.book).lookLater();
    const back = rig({ key: first, formerKey: second }, it.book);
    await back.lookLater();
    back.post(2);
    await back.lookLater();
    expect(keysTrusted(origin, it.recorded)).toEqual([
      [first.publicKey.keyId, 0],
      [second.publicKey.keyId, 4],
      [first.publicKey.keyId, 5],
    ]);
  });

  test.each([
    ['another that has the new key too', second, first],
    ['one that still has the former key', first, null],
  ])('form a chain of trust although a key is introduced beside %s', async (_name, key, formerKey) => {
    const { engine, recorded, held, signer } = await bookOfEngine();
    await engine.submit(open('a'));
    await signer(first, null).look();
    await engine.submit(open('b'));
    // The smaller checkpoint comes first, and the second signer has not seen it.
    const one = signer(second, first, { isHeld: true }).look();
    await eventually(() => expect(held).toHaveLength(1), { timeoutMs: 5_000 });
    await engine.submit(open('c'));
    const other = signer(key, formerKey, { isHeld: true }).look();
    await eventually(() => expect(held).toHaveLength(2), { timeoutMs: 5_000 });
    for (const record of held) await record();
    await Promise.all([one, other]);
    await engine.submit(open('d'));
    // The former key is not needed any more.
    await signer(second, null).look();
    const keyIds = keysTrusted('test/book-sandbox', recorded).map(([keyId]) => keyId);
    expect(keyIds).toEqual([first.publicKey.keyId, second.publicKey.keyId]);
  });

  test('leave no trace of the one that comes second, which would be a reason for the next', async () => {
    const { engine, held, signer } = await bookOfEngine();
    await engine.submit(open('a'));
    const one = signer(first, null, { isHeld: true }).look();
    await eventually(() => expect(held).toHaveLength(1), { timeoutMs: 5_000 });
    await engine.submit(open('b'));
    const other = signer(first, null, { isHeld: true }).look();
    await eventually(() => expect(held).toHaveLength(2), { timeoutMs: 5_000 });
    for (const record of held) await record();
    await Promise.all([one, other]);
    // Two accounts and one checkpoint.
    expect(await engine.read(({ length }) => length)).toBe(3);
  });

  test('are not signed with a key that the former one does not introduce', async () => {
    const it = rig();
    it.post(3);
    await it.lookLater();
    await expect(rig({ key: second }, it.book).worker.look()).rejects.toThrow(AssertionError);
    expect(it.events).toHaveLength(4);
  });

  test('are not signed over a history that was changed behind a signature', async () => {
    const it = rig();
    it.post(3);
    await it.lookLater();
    it.events[1] = { type: 'E', payload: Buffer.from('another') };
    it.post(200);
    const restarted = rig({}, it.book);
    await expect(restarted.worker.look()).rejects.toThrow('the first 3 events are not those that were signed');
    expect(it.events).toHaveLength(204);
  });

  test('are not signed over a hash that was changed where it is stored', async () => {
    const it = rig();
    it.post(300);
    await it.lookLater();
    it.nodes[0] = { ...it.nodes[0]!, hash: Buffer.alloc(32) };
    it.post(100);
    await expect(it.worker.look()).rejects.toThrow('the stored tree of 401 events is not that of the journal');
    expect(it.sizes()).toEqual([300]);
  });

  test('are not signed behind one whose signature does not fit', async () => {
    const it = rig();
    it.post(3);
    await it.lookLater();
    const [signed] = it.recorded;
    it.recorded[0] = { ...signed!, text: signed!.text.replace('time 2026', 'time 2025') };
    it.post(200);
    await expect(rig({}, it.book).worker.look()).rejects.toThrow('has a signature that does not fit');
    expect(it.events).toHaveLength(204);
  });

  test('are not signed under another name than those before', async () => {
    const it = rig();
    it.post(3);
    await it.lookLater();
    it.post(200);
    const renamed = rig({ named: 'daybook/book-live' }, it.book);
    await expect(renamed.worker.look()).rejects.toThrow('are of test/book-live, not of daybook/book-live');
    expect(it.events).toHaveLength(204);
  });

  test('of one book do not wait for another', async () => {
    const it = rig();
    it.post(300);
    let answer = (_length: number): void => undefined;
    const answered = new Promise<number>((resolve) => (answer = resolve));
    const stuck = { ...it.book, origin: 'test/book-sandbox', tree: it.book.openTree(), length: () => answered };
    const failing = { ...stuck, length: () => Promise.reject(new OperationalError('store_unavailable', true)) };
    const worker = createCheckpoints({
      books: [stuck, failing, { ...it.book, origin, tree: it.book.openTree() }],
      key: first,
      formerKey: null,
      eventsMax: 100,
      delayMs: 1,
      now: it.clock,
      logger: testLogger().logger,
      onFatal: (error) => it.fatal.push(error),
    });
    await worker.start();
    await eventually(() => expect(it.events.length).toBeGreaterThan(300), { timeoutMs: 5_000 });
    answer(0);
    await worker.stop();
    expect(it.fatal).toEqual([]);
  });

  test('are none without a key', async () => {
    const it = rig({ key: null });
    it.post(300);
    await it.lookLater();
    expect(it.sizes()).toEqual([]);
    expect(await it.table.count()).toBe(1);
  });

  test('are tried again while the book cannot be written', async () => {
    const it = rig();
    it.post(300);
    const { record } = it.book;
    let refusals = 3;
    const failing = {
      ...it.book,
      record: async (signed: unknown) => {
        if (refusals-- > 0) throw new OperationalError('store_unavailable', true);
        return record(signed);
      },
    };
    const worker = rig({}, failing);
    const impatient = createCheckpoints({
      books: [{ ...failing, origin, tree: failing.openTree() }],
      key: first,
      formerKey: null,
      eventsMax: 100,
      delayMs: 1,
      now: worker.clock,
      logger: testLogger().logger,
      onFatal: (error) => worker.fatal.push(error),
    });
    await impatient.start();
    await eventually(() => expect(it.events.length).toBeGreaterThan(300), { timeoutMs: 5_000 });
    await impatient.stop();
    await impatient.stop();
    expect(worker.fatal).toEqual([]);
  });
});
