import { uuidv7 } from '@daybook/runtime';
import { eventually, testLogger } from '@daybook/testing';
import {
  BACKWARDS,
  END,
  ErrorType,
  EventStoreDBClient,
  jsonEvent,
  NO_STREAM,
  streamNameFilter,
} from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { start, type EventStore, type NewEvent } from '../src/event-store';
import { eventStoreDb, type EventStoreDbOptions } from '../src/eventstoredb/event-store-db';
import { createSubscription } from '../src/subscription';
import { auditSubscriptions } from '../src/subscription-audit';
import { anEvent, readWhole, someEvents } from './counted-events';
import { startEventStoreDbServer, type EventStoreDbServer, type Fault } from './eventstoredb-server';
import { schemas } from './fixtures';

const appendBytesMax = 64 * 1024;
const deadlineMs = 500;
const silenceMs = 200;

let server: EventStoreDbServer;
const opened: EventStore[] = [];
let services = 0;
beforeAll(async () => {
  server = await startEventStoreDbServer({ appendBytesMax });
});
afterEach(async () => {
  server.fault({ kind: 'none' });
  await Promise.all(opened.splice(0).map((store) => store.close()));
});
afterAll(() => server.stop());

const open = (more: Partial<EventStoreDbOptions> = {}): EventStore => {
  const store = eventStoreDb({
    url: server.url,
    namespace: 'test',
    service: `s${services++}`,
    deadlineMs,
    silenceMs,
    ...more,
  });
  opened.push(store);
  return store;
};
const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );
const unavailable = { code: 'store_unavailable', retryable: true };
const unknown = { code: 'outcome_unknown', retryable: true };

describe('the wire-level server', () => {
  test("speaks the client's language: the unmodified client appends, reads, subscribes and gets its errors", async () => {
    const client = EventStoreDBClient.connectionString(server.url);
    const event = (n: number) => jsonEvent({ id: uuidv7(), type: 'Counted', data: { n } });
    const [first, second] = [event(1), event(2)];
    await client.appendToStream('plain-1', [first, second], { expectedRevision: NO_STREAM });
    const repeated = await client.appendToStream('plain-1', [first, second], { expectedRevision: NO_STREAM });
    expect(repeated).toMatchObject({ success: true, nextExpectedRevision: 1n });
    await expect(client.appendToStream('plain-1', event(3), { expectedRevision: 5n })).rejects.toMatchObject({
      type: ErrorType.WRONG_EXPECTED_VERSION,
      actualVersion: 1n,
      expectedVersion: 5n,
    });
    await expect(readFirst(client.readStream('plain-none'))).rejects.toMatchObject({
      type: ErrorType.STREAM_NOT_FOUND,
    });
    const backwards = await readFirst(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }));
    expect(backwards).toMatchObject({ id: second.id, streamId: 'plain-1', revision: 1n, data: { n: 2 }, isJson: true });
    const filter = streamNameFilter({ prefixes: ['plain-'] });
    const subscription = client.subscribeToAll({ filter });
    const caughtUp = new Promise((resolve) => subscription.on('caughtUp' as never, resolve as never));
    const heard: string[] = [];
    subscription.on('data', ({ event: found }) => heard.push(found?.id ?? ''));
    await caughtUp;
    const third = event(3);
    await client.appendToStream('plain-2', third, { expectedRevision: NO_STREAM });
    await eventually(() => expect(heard).toEqual([first.id, second.id, third.id]), { timeoutMs: 5_000 });
    await subscription.unsubscribe();
  });
});

async function readFirst(events: AsyncIterable<{ event?: unknown }>): Promise<unknown> {
  for await (const { event } of events) return event;
  return undefined;
}

describe('appends that meet a fault', () => {
  test.each([
    ['stored before the connection is cut', { kind: 'cut_append', when: 'stored' }, 2],
    ['cut before it is stored', { kind: 'cut_append', when: 'received' }, 0],
    ['stored and never answered', { kind: 'swallow_answer' }, 2],
  ] as [string, Fault, number][])(
    '%s: the outcome is unknown, and a repeat records it once',
    async (_, fault, stored) => {
      const store = open();
      await store.append('s', [anEvent()], 'no_stream');
      for (let round = 0n; round < 5n; round++) {
        const events = someEvents(2);
        server.fault(fault);
        await expect(store.append('s', events, round * 2n)).rejects.toMatchObject(unknown);
        expect(await store.readStream('s', { from: round * 2n + 1n })).toHaveLength(stored);
        await expect(store.append('s', events, round * 2n)).resolves.toEqual({ revision: round * 2n + 2n });
      }
      const events = await store.readStream('s');
      expect(new Set(idsOf(events)).size).toBe(11);
      expect(events).toHaveLength(11);
    },
  );

  test('500 appends whose acknowledgements are lost at random are there once each, in order', async () => {
    const store = open();
    const sent: NewEvent[] = [];
    let unknowns = 0;
    for (let n = 0; n < 500; n++) {
      const event = anEvent();
      sent.push(event);
      if (n % 12 === 3) server.fault({ kind: 'cut_append', when: n % 24 === 3 ? 'stored' : 'received' });
      const expected = n === 0 ? 'no_stream' : BigInt(n - 1);
      for (;;) {
        const failure = await failureOf(store.append('s', [event], expected));
        if (failure === 'done') break;
        expect(failure).toMatchObject({ retryable: true });
        unknowns++;
      }
    }
    expect(unknowns).toBeGreaterThanOrEqual(40);
    expect(idsOf(await store.readStream('s'))).toEqual(idsOf(sent));
  });

  test.each([
    ['not ready', { kind: 'refuse', code: status.UNAVAILABLE, details: 'Server Is Not Ready' }, unavailable],
    ['too busy', { kind: 'refuse', code: status.UNAVAILABLE, details: 'Server Is Too Busy' }, unavailable],
    ['unavailable for a reason that is not known', { kind: 'refuse', code: status.UNAVAILABLE }, unknown],
    ['late by its own clock', { kind: 'refuse', code: status.DEADLINE_EXCEEDED }, unknown],
    ['late with its commit', { kind: 'refuse', code: status.ABORTED, details: 'Operation timed out' }, unknown],
    ['silent', { kind: 'stall' }, unknown],
    ['slower than the deadline', { kind: 'delay', ms: 2 * deadlineMs }, unknown],
  ] as [string, Fault, object][])('a server that is %s is told as what it is', async (_, fault, expected) => {
    const store = open();
    const event = anEvent();
    server.fault(fault);
    await expect(store.append('s', [event], 'no_stream').then(() => 'done')).rejects.toMatchObject(
      // The end of the stream is looked up first: nothing was sent, so nothing is unknown.
      { code: 'store_unavailable' },
    );
    server.fault({ kind: 'none' });
    await store.append('s', [event], 'no_stream');
    server.fault(fault);
    await expect(store.append('s', [anEvent()], 0n)).rejects.toMatchObject(expected);
    await expect(store.readStream('s')).rejects.toMatchObject(unavailable);
    await expect(store.readAll(start, 10)).rejects.toMatchObject(unavailable);
    await expect(store.tail()).rejects.toMatchObject(unavailable);
    server.fault({ kind: 'none' });
    await expect(store.append('s', [event], 'no_stream')).resolves.toEqual({ revision: 0n });
  });

  test('a refusal that no repeat will change stays the error it is', async () => {
    const store = open();
    server.fault({ kind: 'refuse', code: status.PERMISSION_DENIED });
    await expect(store.tail()).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  });

  test('a server that nobody reaches is unavailable, and is found again', async () => {
    const store = open();
    await store.append('s', [anEvent()], 'no_stream');
    await server.down();
    await expect(store.readStream('s')).rejects.toMatchObject(unavailable);
    await expect(store.append('s', [anEvent()], 0n)).rejects.toMatchObject(unavailable);
    await server.up();
    await eventually(() => store.append('s', [anEvent()], 0n), { timeoutMs: 10_000 });
    expect(await store.readStream('s')).toHaveLength(2);
  });
});

describe('a cluster that is found by asking around', () => {
  test('is found again, although a discovery has found nobody', async () => {
    await server.down();
    const { port } = new URL(server.url.replace('esdb', 'http'));
    const store = open({
      url: `esdb+discover://127.0.0.1:${port}?tls=false&maxDiscoverAttempts=1&discoveryInterval=10`,
      deadlineMs: 5_000,
    });
    await expect(store.append('s', [anEvent()], 'no_stream')).rejects.toMatchObject(unavailable);
    await expect(store.tail()).rejects.toMatchObject(unavailable);
    await server.up();
    await eventually(() => store.append('s', [anEvent()], 'no_stream'), { timeoutMs: 5_000 });
    expect(await readWhole(store)).toHaveLength(1);
  });
});

describe('an append that is bigger than the server takes at once', () => {
  const big = () => someEvents(20).map((event) => ({ ...event, payload: Buffer.alloc(30_000, event.id) }));

  test('is atomic: nothing of it can be read before all of it is there, and then every byte', async () => {
    // Nothing is late here but what a busy machine makes late.
    const store = open({ service: 'big', deadlineMs: 5_000 });
    const events = big();
    await store.append('s', [anEvent()], 'no_stream');
    const before = server.events.length;
    await expect(store.append('s', events, 0n)).resolves.toEqual({ revision: 20n });
    expect(server.events.length - before).toBeGreaterThan(10);
    await expect(store.append('s', events, 0n)).resolves.toEqual({ revision: 20n });
    const stored = await store.readStream('s', { from: 1n });
    expect(idsOf(stored)).toEqual(idsOf(events));
    expect(stored.every(({ payload }, index) => payload.equals(events[index]!.payload))).toBe(true);
    expect(idsOf(await readWhole(store, 7))).toEqual(idsOf(await store.readStream('s')));
    await expect(store.append('s', [anEvent()], 20n)).resolves.toEqual({ revision: 21n });
  });

  test.each([1, 4, 9])('that is interrupted at part %d leaves nothing behind that counts', async (part) => {
    const store = open({ appendBytesMax });
    const events = big();
    await store.append('s', [anEvent()], 'no_stream');
    const before = server.events.length;
    const interrupt = eventuallyAt(() => server.events.length >= before + part);
    const answer = failureOf(store.append('s', events, 0n));
    await interrupt;
    server.dropConnections();
    await answer;
    const visible = await eventually(() => store.readStream('s'), { timeoutMs: 5_000 });
    expect([1, 21]).toContain(visible.length);
    await eventually(() => expect(store.append('s', events, 0n)).resolves.toEqual({ revision: 20n }), {
      timeoutMs: 5_000,
    });
    expect(await store.readStream('s')).toHaveLength(21);
  });

  const eventuallyAt = (reached: () => boolean) => eventually(() => expect(reached()).toBe(true), { timeoutMs: 5_000 });
});

describe('services that share a server', () => {
  test('see only their own streams, also when one name begins like another', async () => {
    const [one, other] = [open({ service: 'books' }), open({ service: 'books-old' })];
    await one.append('s', [anEvent()], 'no_stream');
    await other.append('s', someEvents(2), 'no_stream');
    expect(await readWhole(one)).toHaveLength(1);
    expect(await readWhole(other)).toHaveLength(2);
    expect(() => open({ service: 'a:b' })).toThrow(/cannot begin stream names/);
  });

  test('a quiet one does not look through what the others append, again and again', async () => {
    const store = open();
    await store.append('s', someEvents(2), 'no_stream');
    const [place] = (await readWhole(store)).slice(-1).map(({ position }) => position);
    for (let n = 0; n < 2_000; n++) server.append('foreign', '{}');
    // The end of the whole log is noted at most every two seconds.
    const poll = async () => {
      const before = server.looked();
      expect(await store.readAll(place!, 10)).toEqual([]);
      expect(await store.tail()).toBe(place);
      return server.looked() - before;
    };
    await eventually(async () => expect(await poll()).toBeLessThan(10), { timeoutMs: 10_000 });
    const next = anEvent();
    await store.append('s', [next], 1n);
    expect(idsOf(await store.readAll(place!, 10))).toEqual([next.id]);
    expect(idsOf(await readWhole(store))).toHaveLength(3);
  });

  test('one that was quiet for longer than a search may take gets past what the others have appended', async () => {
    const service = `s${services++}`;
    const before = open({ service });
    await before.append('s', someEvents(2), 'no_stream');
    const [place] = (await readWhole(before)).slice(-1).map(({ position }) => position);
    for (let n = 0; n < 400; n++) server.append('foreign', '{}');
    server.fault({ kind: 'slow_search', msEach: 1 });
    const store = open({ service, deadlineMs: 100 });
    await expect(store.readAll(place!, 10)).rejects.toMatchObject({ code: 'store_unavailable' });
    await eventually(async () => expect(await store.tail()).toBe(place), { timeoutMs: 20_000 });
    await eventually(async () => expect(await store.readAll(place!, 10)).toEqual([]), { timeoutMs: 20_000 });
  });

  test('a position of another kind of store is refused', async () => {
    const store = open();
    await expect(store.readAll('12:7' as never, 1)).rejects.toMatchObject({ name: 'AssertionError' });
    await expect(store.readAll('12:7:0' as never, 1)).rejects.toMatchObject({ name: 'AssertionError' });
  });

  test('a place holds no event where another one begins', async () => {
    const store = open();
    await store.append('s', [anEvent()], 'no_stream');
    const [, commit, prepare] = (await store.tail()).split(':');
    expect(await store.holds(`esdb:${commit}:${prepare}:0` as never)).toBe(true);
    expect(await store.holds(`esdb:${commit}:${Number(prepare) + 1}:0` as never)).toBe(false);
  });
});

describe('the subscription', () => {
  async function reader(service: string) {
    const { logger, lines } = testLogger();
    const patient = { service, deadlineMs: 5_000 };
    const [store, other] = [open({ ...patient, logger }), open(patient)];
    let wakes = 0;
    const hint = store.onAppend(() => void wakes++);
    let revision = -1n;
    const append = async () => {
      const before = wakes;
      await other.append('s', [anEvent()], revision < 0n ? 'no_stream' : revision);
      revision++;
      return before;
    };
    const hears = async () => {
      const before = await append();
      await eventually(() => expect(wakes).toBeGreaterThan(before), { timeoutMs: 5_000 });
    };
    await eventually(() => expect(server.subscriptions()).toBe(1), { timeoutMs: 5_000 });
    await hears();
    return { store, hint, append, hears, lines };
  }

  test('is made again after each of 20 dropped connections', async () => {
    const { hears, hint } = await reader('dropped');
    for (let round = 0; round < 20; round++) {
      server.dropConnections();
      await eventually(() => expect(server.subscriptions()).toBe(1), { timeoutMs: 5_000 });
      await eventually(hears, { timeoutMs: 5_000 });
    }
    await hint.stop();
    await eventually(() => expect(server.subscriptions()).toBe(0), { timeoutMs: 5_000 });
  });

  test('is made again when the server gives up on it because it does not keep up', async () => {
    const { hears, hint } = await reader('overflow');
    for (let round = 0; round < 5; round++) {
      server.dropSubscriptions();
      await eventually(() => expect(server.subscriptions()).toBe(1), { timeoutMs: 5_000 });
      await eventually(hears, { timeoutMs: 5_000 });
    }
    await hint.stop();
  });

  test('that has gone silent without closing is found out by what readers see, and made again', async () => {
    const { store, hears, append, lines } = await reader('silent');
    server.silenceSubscriptions();
    await append();
    // What a subscription's poll would do every 250 ms.
    expect(await readWhole(store)).toHaveLength(2);
    await eventually(() => expect(lines.some(({ reason }) => reason === 'silent')).toBe(true), {
      timeoutMs: 5_000,
    });
    await eventually(() => expect(server.subscriptions()).toBe(1), { timeoutMs: 5_000 });
    await hears();
  });

  test('that a quiet server has nothing to tell by is not made again', async () => {
    const { store, lines } = await reader('quiet');
    await readWhole(store);
    const from = performance.now();
    await eventually(() => expect(performance.now() - from).toBeGreaterThan(3 * silenceMs), { timeoutMs: 5_000 });
    expect(lines.filter(({ reason }) => reason !== undefined)).toEqual([]);
  });

  test('outlives a server that is away for longer than its deadline', async () => {
    const { hears } = await reader('away');
    await server.down();
    const from = performance.now();
    await eventually(() => expect(performance.now() - from).toBeGreaterThan(2 * deadlineMs), { timeoutMs: 5_000 });
    await server.up();
    await eventually(hears, { timeoutMs: 10_000 });
  });
});

describe('a reader of the log, with its place in Postgres', () => {
  test('misses nothing and doubles nothing, whatever happens to connections, answers and subscriptions', async () => {
    const databases = await schemas();
    const { pool } = await databases.fresh();
    const { logger } = testLogger();
    const [store, other] = [open({ service: 'stormy', logger }), open({ service: 'stormy' })];
    const applied: string[] = [];
    const fatal: unknown[] = [];
    const subscription = createSubscription({
      pool,
      store,
      name: 'reader',
      logger,
      onFatal: (error) => void fatal.push(error),
      batchSize: 20,
      handle: async (_tx, events) => void applied.push(...idsOf(events)),
    });
    await subscription.start();
    const faults: (() => void)[] = [
      server.dropConnections,
      server.silenceSubscriptions,
      server.dropSubscriptions,
      () => server.fault({ kind: 'cut_append', when: 'stored' }),
      () => server.fault({ kind: 'swallow_answer' }),
      () => server.fault({ kind: 'refuse', code: status.UNAVAILABLE }),
      () => server.fault({ kind: 'none' }),
    ];
    const sent: string[] = [];
    const write = async (stream: string) => {
      let revision = -1n;
      for (let n = 0; n < 60; n++) {
        const events = someEvents(1 + (n % 5));
        sent.push(...idsOf(events));
        if (n % 4 === 0) faults[(n / 4) % faults.length]!();
        const expected = revision < 0n ? 'no_stream' : revision;
        ({ revision } = await eventually(() => other.append(stream, events, expected), { timeoutMs: 20_000 }));
        if (n % 4 === 0) server.fault({ kind: 'none' });
      }
    };
    // The refusal must end although every writer waits for it to.
    const recovery = setInterval(() => server.fault({ kind: 'none' }), 50);
    await Promise.all(['a', 'b', 'c'].map(write));
    clearInterval(recovery);
    server.fault({ kind: 'none' });
    await eventually(() => subscription.caughtUp(), { timeoutMs: 20_000 });
    await subscription.stop();
    expect(fatal).toEqual([]);
    expect(applied.toSorted()).toEqual(sent.toSorted());
    expect(await auditSubscriptions(pool, store)).toMatchObject([
      { agrees: true, applied: { count: BigInt(sent.length) } },
    ]);
    await databases.end();
  });
});
