import { AssertionError, isOperationalError, OperationalError } from '@daybook/core';
import { memoryEventStore, type EventStore } from '@daybook/event-store';
import { eventually, fakeClock, testLogger } from '@daybook/testing';
import fc from 'fast-check';
import { unruly } from '../../test/engine-rig';
import { createEngine, type Engine, type EngineOutcome } from '../app/engine';
import { decide } from '../domain/book';
import type { BookCommand } from '../domain/book-commands';
import type { BookEvent } from '../domain/book-events';
import type { RecordSubject } from '../domain/records';
import type { SealedEvents } from '../ports';
import { bookJournal } from './book-journal';
import type { BookMemory, StoredSnapshot } from './book-memory';
import { verifySnapshot } from './book-refold';
import { createRecordFilter } from './record-filter';
import type { StoredSegment } from './record-index';

const stream = 'book-sandbox';
const tenantId = '11111111-1111-4111-8111-111111111111';

/** The tables in memory. */
function memoryOf(options: { recordsMax: number; snapshotEvery: number; filterBytes?: number }): BookMemory {
  const { logger } = testLogger();
  const segments: StoredSegment[] = [];
  const snapshots: StoredSnapshot[] = [];
  return {
    recordsMax: options.recordsMax,
    snapshotEvery: options.snapshotEvery,
    logger,
    filter: createRecordFilter(options.filterBytes ?? 1_024),
    segments: {
      key: async () => new Uint8Array(8),
      async add(segment) {
        if (!segments.some(({ first }) => first === segment.first)) segments.push(segment);
      },
      async *before(sequence) {
        yield* segments.filter(({ first }) => first < sequence);
      },
      async *near(_hashes, sequence) {
        yield* segments.filter(({ first }) => first < sequence);
      },
      count: async (before) => segments.filter(({ first }) => first < before).length,
    },
    snapshots: {
      latest: async () => snapshots.at(-1),
      async add(snapshot, parts, stateHash) {
        const all: Buffer[] = [];
        for await (const part of parts) all.push(part);
        snapshots.push({ ...snapshot, parts: all, stateHash: stateHash() });
      },
    },
  };
}

function engineOn(store: EventStore, memory: BookMemory | undefined, batchMax: number): Engine {
  const { logger } = testLogger();
  return createEngine({
    stream,
    openJournal: (name) => bookJournal(store, name, memory),
    now: fakeClock('2026-01-01T00:00:00.000Z'),
    logger,
    onFatal: (error) => {
      throw error;
    },
    retryDelaysMs: [1],
    batchMax,
  });
}

const open = (accountId: string): BookCommand => ({
  type: 'OpenAccount',
  accountId,
  tenantId,
  asset: 'TXC',
  accountType: 'liability',
  floor: 0n,
});

const id = fc.integer({ min: 0, max: 12 }).map((n) => `id-${n}`);
const contentHash = fc.constantFrom('a'.repeat(64), 'b'.repeat(64));
const amount = fc.bigInt({ min: 1n, max: 5n });
const command: fc.Arbitrary<BookCommand> = fc.oneof(
  fc
    .record({ transactionId: id, contentHash, amount })
    .map((fields): BookCommand => ({ type: 'IssueFunds', accountId: 'a', asset: 'TXC', ...fields })),
  fc.record({ transferId: id, contentHash, amount }).map((fields): BookCommand => ({
    type: 'AcceptTransfer',
    tenantId,
    debitAccountId: 'a',
    creditAccountId: 'b',
    asset: 'TXC',
    referenceId: '',
    note: null,
    ...fields,
  })),
  id.map((transferId): BookCommand => ({ type: 'ConfirmTransfer', transferId })),
  id.map((transferId): BookCommand => ({ type: 'FailTransfer', transferId, reason: 'sender_frozen' })),
  fc
    .record({ reversalId: id, contentHash, transferId: id })
    .map((fields): BookCommand => ({ type: 'ReverseTransfer', actor: 'operator', ...fields })),
);

/** What an engine answers, without what depends on when it was asked. */
async function answersOf(engine: Engine, groups: readonly (readonly BookCommand[])[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const group of groups) {
    const outcomes = await Promise.all(group.map((each) => engine.submit(each)));
    answers.push(...outcomes.map((outcome: EngineOutcome) => outcome));
  }
  return answers;
}

test('a window of two records gives the answers that an unbounded memory gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(command, { minLength: 1, maxLength: 6 }), { maxLength: 25 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(32, 1_024),
      async (groups, batchMax, filterBytes) => {
        const stores = [memoryEventStore(), memoryEventStore()] as const;
        const memory = memoryOf({ recordsMax: 2, snapshotEvery: 7, filterBytes });
        const bounded = engineOn(stores[0], memory, batchMax);
        const unbounded = engineOn(stores[1], undefined, batchMax);
        for (const engine of [bounded, unbounded]) {
          await engine.start();
          await Promise.all([open('a'), open('b')].map((each) => engine.submit(each)));
        }
        const half = Math.floor(groups.length / 2);
        expect(await answersOf(bounded, groups.slice(0, half))).toEqual(
          await answersOf(unbounded, groups.slice(0, half)),
        );
        await bounded.stop();
        // The second half on top of a snapshot and its tail.
        const again = engineOn(stores[0], memory, batchMax);
        await again.start();
        const [ours, theirs] = [
          await answersOf(again, groups.slice(half)),
          await answersOf(unbounded, groups.slice(half)),
        ];
        expect(ours.map(withoutReference)).toEqual(theirs.map(withoutReference));
        const events = (await stores[0].readStream(stream)).map(({ payload }) => contentOf(payload));
        expect(events).toEqual((await stores[1].readStream(stream)).map(({ payload }) => contentOf(payload)));
        expect((await verifySnapshot(stores[0], stream, memory))?.ok ?? true).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

/** The clocks of the engines differ by their starts, and with them the hashes. */
function withoutReference(answer: unknown): unknown {
  const { reference: _reference, at: _at, ...rest } = answer as { reference?: string; at?: string };
  return rest;
}

function contentOf(payload: Buffer): unknown {
  return JSON.parse(payload.toString(), (name, value: unknown) =>
    ['at', 'previousHash', 'reversed', 'acceptedAt', 'effectiveAt'].includes(name) ? undefined : value,
  );
}

const issue = (n: number): BookCommand => ({
  type: 'IssueFunds',
  transactionId: `t${n}`,
  contentHash: 'c'.repeat(64),
  accountId: 'a',
  asset: 'TXC',
  amount: 1n,
});

test('an old command is answered from the journal, and memory stays small', async () => {
  const store = memoryEventStore();
  const engine = engineOn(store, memoryOf({ recordsMax: 10, snapshotEvery: 1_000_000, filterBytes: 65_536 }), 50);
  await engine.start();
  await engine.submit(open('a'));
  const firsts = await answersOf(engine, [Array.from({ length: 500 }, (_, n) => issue(n))]);
  expect(await engine.read(({ records }) => [...records].length)).toBeLessThan(100);
  const again = await answersOf(engine, [Array.from({ length: 500 }, (_, n) => issue(n))]);
  expect(again).toEqual(firsts.map((answer) => ({ ...(answer as object), replayed: true })));
  expect(await engine.read(({ accounts }) => accounts.get('a')?.posted)).toBe(500n);
});

test('ids that were recorded together are recalled together, whatever stands between them', async () => {
  const inner = memoryEventStore();
  let reads = 0;
  const store: EventStore = {
    ...inner,
    readStream(...asked) {
      reads += 1;
      return inner.readStream(...asked);
    },
  };
  const engine = engineOn(store, memoryOf({ recordsMax: 10, snapshotEvery: 1_000_000, filterBytes: 65_536 }), 50);
  await engine.start();
  await engine.submit(open('a'));
  const together = (numbers: readonly number[]) => engine.submitTogether(numbers.map(issue));
  const every = (step: number, length: number) => Array.from({ length }, (_, n) => n * step);
  const first = await together(every(1, 2_000));
  let others = 2_000;
  /** Repeats a bulk of which memory has forgotten everything, and says how often the store was read for it. */
  const readsOf = async (numbers: readonly number[]) => {
    for (let turn = 0; turn < 2; turn++) await together(every(1, 20).map((n) => n + others++ * 20));
    reads = 0;
    const again = await together(numbers);
    expect(again.ok && first.ok && again.receipts).toEqual(
      first.ok && numbers.map((n) => ({ ...first.receipts[n], replayed: true })),
    );
    return reads;
  };
  // One more each time, which asks whether the book is current.
  expect(await readsOf(every(1, 2_000))).toBe(2 + 1);
  expect(await readsOf(every(128, 15))).toBe(2 + 1);
  expect(await readsOf(every(129, 15))).toBe(15 + 1);
});

/** A journal with so little memory that it forgets at every append, and what puts commands into it. */
async function forgetfulJournal() {
  const journal = bookJournal(memoryEventStore(), stream, memoryOf({ recordsMax: 2, snapshotEvery: 1_000_000 }));
  await journal.load();
  const add = (command: BookCommand): SealedEvents => {
    const verdict = decide(journal.state, command, '2026-01-01T00:00:00.000Z');
    if (verdict.type !== 'recorded' || verdict.rejection !== null)
      throw new Error(`${command.type} is ${verdict.type}`);
    const sealed = journal.begin();
    journal.add(verdict.events, { correlationId: 'c', causationId: 'c' }, sealed);
    return sealed;
  };
  const put = (command: BookCommand) => journal.append(add(command));
  for (const each of [open('a'), open('b'), { ...issue(0), amount: 100n }]) await put(each);
  return { journal, add, put };
}

const accept: BookCommand = {
  type: 'AcceptTransfer',
  transferId: 'transfer',
  contentHash: 'c'.repeat(64),
  tenantId,
  debitAccountId: 'a',
  creditAccountId: 'b',
  asset: 'TXC',
  amount: 5n,
  referenceId: '',
  note: null,
};
const statusOf = (subject: RecordSubject | null | undefined) =>
  subject?.type === 'transfer' ? subject.status : undefined;

test('a record that was changed stays until the change is durable: the journal would bring back an older one', async () => {
  const { journal, add, put } = await forgetfulJournal();
  await put(accept);
  await put({ type: 'ConfirmTransfer', transferId: 'transfer' });
  const before = add(issue(1));
  const reversal = add({
    type: 'ReverseTransfer',
    reversalId: 'reversal',
    contentHash: 'c'.repeat(64),
    transferId: 'transfer',
    actor: 'operator',
  });
  await journal.append(before);
  expect(statusOf(journal.state.records.get('transfer')?.subject)).toBe('reversed');
  await journal.append(reversal);
  for (let n = 2; n < 6; n++) await put(issue(n));
  expect(journal.state.records.get('transfer')).toBeUndefined();
  expect(journal.isAtHand(['transfer'])).toBe(false);
  await journal.recall(new Set(['transfer']));
  expect(statusOf(journal.state.records.get('transfer')?.subject)).toBe('reversed');
});

test('what is recalled is at hand afterwards, also beside more ids that are not there than it remembers', async () => {
  // As a filter that is full.
  const memory = memoryOf({ recordsMax: 2, snapshotEvery: 1_000_000 });
  const journal = bookJournal(memoryEventStore(), stream, { ...memory, filter: { ...memory.filter, has: () => true } });
  await journal.load();
  const ids = (name: string) => Array.from({ length: 10_001 }, (_, n) => `${name}-${n}`);
  const [early, late] = [ids('early'), ids('late')];
  await journal.recall(new Set(early));
  const bulk = [...early, 'new'];
  await journal.recall(new Set([...bulk, ...late]));
  expect([journal.isAtHand(bulk), journal.isAtHand(late)]).toEqual([true, true]);
});

test('an open record stays for as long as it is open', async () => {
  const { journal, put } = await forgetfulJournal();
  await put(accept);
  for (let n = 1; n < 10; n++) await put(issue(n));
  expect(statusOf(journal.state.records.get('transfer')?.subject)).toBe('pending');
  await put({ type: 'ConfirmTransfer', transferId: 'transfer' });
  expect(statusOf(journal.state.records.get('transfer')?.subject)).toBe('confirmed');
  for (let n = 10; n < 14; n++) await put(issue(n));
  expect(journal.state.records.get('transfer')).toBeUndefined();
});

test('while the index cannot be asked, commands that need it are refused and the others are decided', async () => {
  const store = memoryEventStore();
  const memory = memoryOf({ recordsMax: 1, snapshotEvery: 1_000_000, filterBytes: 65_536 });
  let away = false;
  const reading: EventStore = {
    ...store,
    async readStream(...args) {
      if (away && args[1]?.limit === 1 && args[1].from !== undefined && args[1].from < 5n)
        throw new OperationalError('store_unavailable', true);
      return store.readStream(...args);
    },
  };
  const engine = engineOn(reading, memory, 2);
  await engine.start();
  await engine.submit(open('a'));
  for (let n = 0; n < 10; n++) await engine.submit(issue(n));
  away = true;
  const [old, fresh] = await Promise.allSettled([engine.submit(issue(1)), engine.submit(issue(10))]);
  expect(old.status === 'rejected' && isOperationalError(old.reason)).toBe(true);
  expect(fresh).toMatchObject({ status: 'fulfilled', value: { ok: true, replayed: false } });
  away = false;
  expect(await engine.submit(issue(1))).toMatchObject({ ok: true, replayed: true });
});

test('a snapshot of another journal is not started from', async () => {
  const memory = memoryOf({ recordsMax: 10, snapshotEvery: 2 });
  const first = engineOn(memoryEventStore(), memory, 50);
  await first.start();
  for (const accountId of ['a', 'b', 'c']) await first.submit(open(accountId));
  await eventually(async () => expect(await memory.snapshots.latest()).toBeDefined(), { timeoutMs: 5_000 });
  await first.stop();
  const elsewhere = memoryEventStore();
  const second = engineOn(elsewhere, memory, 50);
  await second.start();
  expect(await second.read(({ accounts, length }) => [accounts.size, length])).toEqual([0, 0]);
  for (const accountId of ['x', 'y', 'z']) await second.submit(open(accountId));
  await second.stop();
  const third = engineOn(elsewhere, memoryOf({ recordsMax: 10, snapshotEvery: 2 }), 50);
  await third.start();
  expect(await third.read(({ accounts }) => [...accounts.keys()])).toEqual(['x', 'y', 'z']);
});

test('a snapshot whose bytes were changed is not started from', async () => {
  const memory = memoryOf({ recordsMax: 10, snapshotEvery: 2 });
  const store = memoryEventStore();
  const first = engineOn(store, memory, 50);
  await first.start();
  for (const accountId of ['a', 'b', 'c']) await first.submit(open(accountId));
  await eventually(async () => expect(await memory.snapshots.latest()).toBeDefined(), { timeoutMs: 5_000 });
  await first.stop();
  const { parts } = (await memory.snapshots.latest())!;
  // As good a snapshot as any, of a book that never was.
  const changed = parts.find((part) => part.includes('liability'))!;
  changed.write('liabilitx', changed.indexOf('liability'));
  const second = engineOn(store, memory, 50);
  await second.start();
  const types = await second.read(({ accounts }) => [...accounts.values()].map(({ accountType }) => accountType));
  expect(types).toEqual(['liability', 'liability', 'liability']);
});

test('a state that broke half-way through an event gets into no snapshot', async () => {
  const memory = memoryOf({ recordsMax: 10, snapshotEvery: 2 });
  const taken = jest.spyOn(memory.snapshots, 'add');
  const journal = bookJournal(memoryEventStore(), stream, memory);
  await journal.load();
  const decided = (command: BookCommand) => {
    const verdict = decide(journal.state, command, '2026-01-01T00:00:00.000Z');
    if (verdict.type !== 'recorded') throw new Error(`${command.type} is ${verdict.type}`);
    return verdict.events;
  };
  const add = (events: readonly BookEvent[], sealed: SealedEvents) =>
    journal.add(events, { correlationId: 'c', causationId: 'c' }, sealed);
  const whole = journal.begin();
  for (const each of [open('a'), issue(0)]) add(decided(each), whole);
  const underWay = journal.append(whole);
  // The amount of its second entry is another.
  const lopsided = decided(issue(1)).map((event) =>
    event.type === 'TransactionPosted'
      ? { ...event, entries: event.entries.map((entry, n) => ({ ...entry, amount: entry.amount + BigInt(n) })) }
      : event,
  );
  expect(() => add(lopsided, journal.begin())).toThrow(AssertionError);
  await underWay;
  await journal.stopped();
  expect(taken).not.toHaveBeenCalled();
});

test('an engine that failed writes no snapshot when the append that was under way is settled after it', async () => {
  const { store, plan, hold } = unruly(memoryEventStore());
  const memory = memoryOf({ recordsMax: 10, snapshotEvery: 100 });
  const taken = jest.spyOn(memory.snapshots, 'add');
  const engine = engineOn(store, memory, 50);
  await engine.start();
  await engine.submit(open('a'));
  const release = hold();
  plan.push('lost after');
  const underWay = engine.submit(open('b'));
  await new Promise((resolve) => setImmediate(resolve));
  const broken = engine.read(() => {
    throw new AssertionError('the state is not what it should be');
  });
  release();
  const ends = await Promise.allSettled([underWay, broken]);
  expect(ends).toMatchObject([{ reason: { code: 'outcome_unknown' } }, { reason: { code: 'outcome_unknown' } }]);
  await engine.stop();
  expect(taken).not.toHaveBeenCalled();
});

test('who follows another writer takes no snapshot of the little that it reads each time', async () => {
  const store = memoryEventStore();
  const writer = engineOn(store, undefined, 50);
  await writer.start();
  await writer.submit(open('a'));
  for (let n = 0; n < 150; n++) await writer.submit(issue(n));
  const memory = memoryOf({ recordsMax: 1_000, snapshotEvery: 10_000 });
  const taken = jest.spyOn(memory.snapshots, 'add');
  const follower = bookJournal(store, stream, memory);
  await follower.load();
  await eventually(async () => expect(await memory.snapshots.latest()).toBeDefined(), { timeoutMs: 5_000 });
  for (let n = 150; n < 450; n++) {
    await writer.submit(issue(n));
    if (n % 150 === 149) await follower.load();
  }
  expect(await store.readStream(stream)).toHaveLength(follower.state.length);
  expect(taken).toHaveBeenCalledTimes(1);
});
