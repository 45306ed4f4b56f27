import { eventually } from '@daybook/testing';
import fc from 'fast-check';
import { appendEach } from '../src/append-each';
import { columnsOf, createEventColumns } from '../src/event-columns';
import { start, type EventStore, type NewEvent, type Position } from '../src/event-store';
import { anEvent, bug, comparable, conflict, readWhole, someEvents } from './counted-events';
import { describeIdempotency } from './idempotency.contract';
import { describeScan } from './scan.contract';

/**
 * Every EventStore adapter runs this file and those it calls. An adapter that needs an exception is not an adapter.
 * `cases`: of the random appends, see there.
 */
export function describeEventStore(name: string, create: () => Promise<EventStore>, cases = 1_500): void {
  describe(`${name} as an EventStore`, () => {
    let store: EventStore;
    beforeEach(async () => {
      store = await create();
    });
    afterEach(() => store.close());

    describeRevisions(() => store);
    describeIdempotency(() => store, cases);
    describeOrder(() => store);
    describeScan(() => store);
    describeEach(() => store);
    describeColumns(() => store);
  });
}

function describeColumns(current: () => EventStore): void {
  const fieldsOf = ({ id, type, version, payload, metadata }: NewEvent) => {
    return { id, type, version, payload: payload.toString(), metadata };
  };
  const various = (): NewEvent[] => [
    ...someEvents(3),
    { ...anEvent(), type: 'Other', version: 2, payload: Buffer.alloc(100_000, 'x') },
    { ...anEvent(), metadata: { correlationId: 'one', causationId: 'one' } },
    anEvent(),
  ];

  test('appends columns as it appends the events in them, and recognises both when repeated', async () => {
    const store = current();
    const events = various();
    const columns = columnsOf(events);
    await expect(store.append('s', columns, 'no_stream')).resolves.toEqual({ revision: 5n });
    await expect(store.append('s', columns, 'no_stream')).resolves.toEqual({ revision: 5n });
    await expect(store.append('s', events, 'no_stream')).resolves.toEqual({ revision: 5n });
    await expect(store.append('s', columnsOf(someEvents(1)), 2n)).rejects.toMatchObject(conflict);
    expect((await store.readStream('s')).map(fieldsOf)).toEqual(events.map(fieldsOf));
  });

  test('columns that were emptied or cut are used again', async () => {
    const store = current();
    const columns = columnsOf(various());
    const [kept] = columns;
    columns.truncate(1);
    await store.append('s', columns, 'no_stream');
    columns.clear();
    expect([...columns]).toEqual([]);
    const next = anEvent();
    columns.write(next.payload);
    columns.add(next.type, next.version, next.metadata);
    columns.setId(0, 0x01234567, 0x89ab8def, 0x81234567, 0xffffffff);
    await store.append('s', columns, 0n);
    const id = '01234567-89ab-8def-8123-4567ffffffff';
    expect((await store.readStream('s')).map(fieldsOf)).toEqual([kept!, { ...next, id }].map(fieldsOf));
    await expect(store.append('s', createEventColumns(), 1n)).rejects.toMatchObject(bug);
  });
}

function describeEach(current: () => EventStore): void {
  test('appends to many streams, each with its own outcome', async () => {
    const store = current();
    await store.append('b', someEvents(2), 'no_stream');
    const events = someEvents(5);
    const to = (stream: string, n: number, expected: 'no_stream' | bigint) => ({ stream, event: events[n]!, expected });
    const each = [to('c', 0, 'no_stream'), to('b', 1, 1n), to('a', 2, 'no_stream'), to('d', 3, 0n)];
    expect(await appendEach(store, each)).toEqual([true, true, true, false]);
    expect(await appendEach(store, [to('b', 4, 0n)])).toEqual([false]);
    expect(await appendEach(store, [])).toEqual([]);
    const idsOf = async (stream: string) => (await store.readStream(stream)).map(({ id }) => id);
    expect(await idsOf('a')).toEqual([events[2]?.id]);
    expect((await idsOf('b')).slice(2)).toEqual([events[1]?.id]);
    expect(await idsOf('c')).toEqual([events[0]?.id]);
    expect(await idsOf('d')).toEqual([]);
    expect(await readWhole(store)).toHaveLength(5);
  });
}

function describeRevisions(current: () => EventStore): void {
  test('appends at the exact revision, gapless from 0', async () => {
    const store = current();
    await expect(store.append('s', someEvents(2), 'no_stream')).resolves.toEqual({ revision: 1n });
    await expect(store.append('s', someEvents(3), 1n)).resolves.toEqual({ revision: 4n });
    expect((await store.readStream('s')).map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
    expect(await store.readStream('another')).toEqual([]);
  });

  test.each([
    ['behind the stream', 0n],
    ['no stream', 'no_stream' as const],
    ['ahead of the stream', 5n],
    ['one ahead of the stream', 2n],
  ])('refuses an expected revision that is %s and records nothing', async (_name, expected) => {
    const store = current();
    const before = someEvents(2);
    await store.append('s', before, 'no_stream');
    await expect(store.append('s', [anEvent()], expected)).rejects.toMatchObject(conflict);
    expect((await readWhole(store)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  });

  test('refuses to start a stream at a later revision', async () => {
    const store = current();
    await expect(store.append('s', [anEvent()], 0n)).rejects.toMatchObject(conflict);
    expect(await store.tail()).toBe(start);
  });

  test('refuses an append without events', async () => {
    await expect(current().append('s', [], 'no_stream')).rejects.toMatchObject(bug);
  });

  test('has one winner for each revision among 64 writers', async () => {
    const store = current();
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      const expected = round === 0 ? ('no_stream' as const) : BigInt(round - 1);
      const answers = await Promise.allSettled(
        Array.from({ length: 64 }, () => store.append('s', [anEvent()], expected)),
      );
      const lost = answers.filter((answer) => answer.status === 'rejected');
      expect(lost).toHaveLength(63);
      for (const { reason } of lost) expect(reason).toMatchObject(conflict);
    }
    expect((await store.readStream('s')).map(({ revision }) => revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
  });

  test('reads a part of a stream', async () => {
    const store = current();
    await store.append('s', someEvents(10), 'no_stream');
    const revisions = async (options: { from?: bigint; limit?: number }) =>
      (await store.readStream('s', options)).map(({ revision }) => revision);
    expect(await revisions({ from: 8n })).toEqual([8n, 9n]);
    expect(await revisions({ limit: 2 })).toEqual([0n, 1n]);
    expect(await revisions({ from: 3n, limit: 2 })).toEqual([3n, 4n]);
    expect(await revisions({ from: 10n })).toEqual([]);
    expect(await revisions({ limit: 0 })).toEqual([]);
  });

  test('reads any part of a stream, wherever its appends begin and end', async () => {
    const store = current();
    const sizes = [1, 3, 1, 5, 2];
    let length = 0;
    for (const size of sizes) {
      await store.append('s', someEvents(size), length === 0 ? 'no_stream' : BigInt(length - 1));
      await store.append('other', someEvents(size), length === 0 ? 'no_stream' : BigInt(length - 1));
      length += size;
    }
    const all = await store.readStream('s');
    for (let from = 0; from <= length; from++) {
      for (let limit = 1; limit <= length + 1; limit++) {
        expect(await store.readStream('s', { from: BigInt(from), limit })).toEqual(all.slice(from, from + limit));
      }
    }
  });

  test('gives back exactly what was appended, byte for byte', async () => {
    const store = current();
    const payloads = [
      Buffer.from('{"a":1.50,  "b":"é e\u0301 😀 \\u0000 \\" \'","c":12345678901234567890123}'),
      Buffer.from([...Array(256).keys()]),
      Buffer.alloc(0),
    ];
    const events = payloads.map((payload, index) => ({
      ...anEvent(),
      payload,
      version: index + 1,
      type: `Type{${index},"`,
    }));
    const [newest] = events.slice(-1);
    await store.append('a "stream", with {brackets} \\', events, 'no_stream');
    const stored = await store.readStream('a "stream", with {brackets} \\');
    expect(
      stored.map(({ id, type, version, payload, metadata }) => ({ id, type, version, payload, metadata })),
    ).toEqual(events);
    expect(stored.at(-1)?.metadata).toEqual(newest?.metadata);
    expect(Math.abs(Date.now() - stored[0]!.recordedAt.getTime())).toBeLessThan(60_000);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        const event = { ...anEvent(), payload: Buffer.from(bytes) };
        await store.append(event.id, [event], 'no_stream');
        expect((await store.readStream(event.id))[0]?.payload.equals(event.payload)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test.each([1, 2, 1_000, 2_000])('appends %d events at once, and reads them in pages that cut them', async (count) => {
    const store = current();
    const events = someEvents(count).map((event, index) => ({ ...event, payload: Buffer.alloc(300, index) }));
    await expect(store.append('s', events, 'no_stream')).resolves.toEqual({ revision: BigInt(count - 1) });
    await expect(store.append('s', events, 'no_stream')).resolves.toEqual({ revision: BigInt(count - 1) });
    const log = (await readWhole(store, 300)).map(comparable);
    const bytes = events.map(({ id, payload }) => ({ id, payload: payload.toString('base64') }));
    expect(log.map(({ id, payload }) => ({ id, payload }))).toEqual(bytes);
    expect((await store.readStream('s')).map(comparable)).toEqual(log);
    const part = await store.readStream('s', { from: 999n, limit: 7 });
    expect(part.map(comparable)).toEqual(log.slice(999, 1_006));
  });

  test('an append into the middle of another is a conflict', async () => {
    const store = current();
    await store.append('s', someEvents(10), 'no_stream');
    for (let first = 1; first < 10; first++) {
      const expected = BigInt(first - 1);
      await expect(store.append('s', someEvents(1), expected)).rejects.toMatchObject(conflict);
      await expect(store.append('s', someEvents(30), expected)).rejects.toMatchObject(conflict);
    }
    await expect(store.append('s', someEvents(1), 9n)).resolves.toEqual({ revision: 10n });
  });
}

function describeOrder(current: () => EventStore): void {
  test('reads all streams in one order, the same for every page size', async () => {
    const store = current();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 10; n++) {
        await store.append(`s${writer}`, someEvents(3), n === 0 ? 'no_stream' : BigInt(n * 3 - 1));
      }
    });
    await Promise.all(writers);
    const log = await readWhole(store);
    expect(log).toHaveLength(240);
    for (const limit of [1, 2, 4, 7, 239]) expect(await readWhole(store, limit)).toEqual(log);
    for (const index of [0, 1, 2, 100, 238, 239]) {
      for (const limit of [1, 2, 5, 1_000]) {
        expect(await store.readAll(log[index]!.position, limit)).toEqual(log.slice(index + 1, index + 1 + limit));
      }
    }
    for (const [index, event] of log.entries()) {
      const previous = log[index - 1];
      if (previous) expect(store.compare(previous.position, event.position)).toBeLessThan(0);
    }
    for (let writer = 0; writer < 8; writer++) {
      const revisions = log.filter(({ stream }) => stream === `s${writer}`).map(({ revision }) => Number(revision));
      expect(revisions).toEqual([...Array(30).keys()]);
    }
  });

  test('the tail is the place of the newest event', async () => {
    const store = current();
    expect(await store.tail()).toBe(start);
    expect(await store.readAll(start, 10)).toEqual([]);
    await store.append('s', someEvents(2), 'no_stream');
    const log = await readWhole(store);
    const tail = await store.tail();
    expect(tail).toBe(log.at(-1)?.position);
    expect(store.compare(tail, tail)).toBe(0);
    expect(store.compare(start, tail)).toBeLessThan(0);
    expect(store.compare(tail, start)).toBeGreaterThan(0);
    expect(store.compare(start, start)).toBe(0);
    expect(await store.readAll(tail, 10)).toEqual([]);
  });

  test('holds the places of its events, and no others', async () => {
    const store = current();
    expect(await store.holds(start)).toBe(true);
    const next = (place: string) => place.replace(/\d+$/, (index) => `${Number(index) + 1}`);
    for (const size of [1, 3, 1]) {
      await store.append(`s${size}-${await store.tail()}`, someEvents(size), 'no_stream');
      expect(await store.holds(next(await store.tail()) as Position)).toBe(false);
    }
    for (const { position } of await readWhole(store)) expect(await store.holds(position)).toBe(true);
    for (const place of ['12:7', '12:7:0', 'esdb:12:7:0', '0', '', 'x']) {
      expect([place, await store.holds(place as Position)]).toEqual([place, false]);
    }
  });

  test('wakes readers after an append, and not after they have stopped', async () => {
    const store = current();
    let [wakes, others] = [0, 0];
    const reader = store.onAppend(() => wakes++);
    const other = store.onAppend(() => others++);
    await store.append('s', [anEvent()], 'no_stream');
    await eventually(() => expect(Math.min(wakes, others)).toBeGreaterThan(0), { timeoutMs: 5_000 });
    await other.stop();
    const [before, otherBefore] = [wakes, others];
    await store.append('s', [anEvent()], 0n);
    await eventually(() => expect(wakes).toBeGreaterThan(before), { timeoutMs: 5_000 });
    expect(others).toBe(otherBefore);
    await reader.stop();
  });
}
