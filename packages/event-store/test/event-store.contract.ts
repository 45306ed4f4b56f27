import { uuidFrom, uuidv7 } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import fc from 'fast-check';
import { appendEach } from '../src/append-each';
import { columnsOf, createEventColumns, makeRoom, payloadAfter } from '../src/event-columns';
import { start, type EventStore, type NewEvent, type StoredEvent } from '../src/event-store';

export function anEvent(id = uuidv7(), payload: Buffer | string = '{"n":1}'): NewEvent {
  const metadata = { correlationId: 'correlation "1"', causationId: 'cause\\ü' };
  return { id, type: 'Counted', version: 1, payload: Buffer.from(payload), metadata };
}

export const someEvents = (count: number): NewEvent[] => Array.from({ length: count }, () => anEvent());

/** The whole log, in pages of `limit`. */
export async function readWhole(store: EventStore, limit = 500): Promise<StoredEvent[]> {
  const log: StoredEvent[] = [];
  for (;;) {
    const page = await store.readAll(log.at(-1)?.position ?? start, limit);
    log.push(...page);
    if (page.length === 0) return log;
  }
}

const conflict = { code: 'version_conflict', retryable: true };
const bug = { name: 'AssertionError' };

/**
 * Every EventStore adapter runs this file. An adapter that needs an exception is not an adapter. `cases`: about so many
 * random appends are compared with the model of the rule.
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
    makeRoom(columns.payloads, payloadAfter + next.payload.length);
    next.payload.copy(columns.payloads.bytes, columns.payloads.end + payloadAfter);
    columns.add(next.type, next.version, next.payload.length, next.metadata);
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

function describeIdempotency(current: () => EventStore, cases: number): void {
  test('repeats of one append record it once, in a row or at the same moment, also when the stream has moved on', async () => {
    const store = current();
    const events = someEvents(3);
    const append = () => store.append('s', events, 'no_stream');
    const answers = await Promise.all(Array.from({ length: 20 }, append));
    await store.append('s', someEvents(2), 2n);
    answers.push(await append());
    expect(answers).toEqual(answers.map(() => ({ revision: 2n })));
    expect(await store.readStream('s')).toHaveLength(5);
  });

  test('an id with another payload is a bug', async () => {
    const store = current();
    const event = anEvent();
    await store.append('s', [event], 'no_stream');
    await expect(store.append('s', [anEvent(event.id, '{}')], 'no_stream')).rejects.toMatchObject(bug);
  });

  test('an append that repeats only a part of an earlier one is a bug', async () => {
    const store = current();
    const events = someEvents(2);
    await store.append('s', events, 'no_stream');
    await expect(store.append('s', [events[0]!, anEvent()], 'no_stream')).rejects.toMatchObject(bug);
    await expect(store.append('s', [...events, anEvent()], 'no_stream')).rejects.toMatchObject(bug);
  });

  test('an id twice in one append is a bug', async () => {
    const store = current();
    const twice = anEvent();
    await expect(store.append('u', [twice, twice], 'no_stream')).rejects.toMatchObject(bug);
    expect(await readWhole(store)).toEqual([]);
  });

  test('an id is recognised by its place only: elsewhere it is another event', async () => {
    const store = current();
    const event = anEvent();
    await store.append('s', [event], 'no_stream');
    await store.append('t', [event], 'no_stream');
    await store.append('s', [event], 0n);
    expect((await readWhole(store)).map(({ stream, revision }) => [stream, revision])).toEqual([
      ['s', 0n],
      ['t', 0n],
      ['s', 1n],
    ]);
  });

  test('a repeat is recognised across the appends it was made of, and within one', async () => {
    const store = current();
    const events = someEvents(9);
    const [others, later] = [someEvents(9), someEvents(2)];
    await store.append('s', events.slice(0, 4), 'no_stream');
    await store.append('s', events.slice(4, 5), 3n);
    await store.append('s', events.slice(5), 4n);
    await store.append('s', later, 8n);
    for (let first = 0; first < 9; first++) {
      const expected = first === 0 ? ('no_stream' as const) : BigInt(first - 1);
      for (let end = first + 1; end <= 9; end++) {
        const repeat = store.append('s', events.slice(first, end), expected);
        await expect(repeat).resolves.toEqual({ revision: BigInt(end - 1) });
      }
      await expect(store.append('s', others.slice(first), expected)).rejects.toMatchObject(conflict);
      const mixed = [...events.slice(first, 8), others[8]!];
      if (first < 8) await expect(store.append('s', mixed, expected)).rejects.toMatchObject(bug);
    }
    expect((await store.readStream('s')).map(({ id }) => id)).toEqual([...events, ...later].map(({ id }) => id));
  });

  test('answers any sequence of appends as the rule says', async () => {
    type Step = { expected: 'end' | number; stream: string; ids: number[]; payload: string };
    const step: fc.Arbitrary<Step> = fc.record({
      expected: fc.oneof({ weight: 3, arbitrary: fc.constant('end' as const) }, fc.integer({ min: -1, max: 8 })),
      stream: fc.constantFrom('a', 'b'),
      ids: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 4 }),
      payload: fc.constantFrom('1', '1', '1', '2'),
    });
    const sequence = fc.array(step, { minLength: 10, maxLength: 20 });
    const answers = new Map<string, number>();
    let [run, compared] = [0, 0];

    async function compare(steps: readonly Step[]): Promise<void> {
      const store = current();
      const prefix = `${run++}`;
      const model = modelStore();
      for (const { expected, stream, ids, payload } of steps) {
        const revision = expected === 'end' ? model.endOf(stream) : expected;
        const events = ids.map((id) => anEvent(uuidFrom([prefix, String(id)]), payload));
        const answer = await store
          .append(`${prefix}-${stream}`, events, revision < 0 ? 'no_stream' : BigInt(revision))
          .then(
            () => 'done',
            (error: { code?: string; name: string }) => error.code ?? error.name,
          );
        expect(answer).toBe(model.append(stream, events, revision + 1));
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        compared++;
      }
      for (const stream of ['a', 'b']) {
        const ids = (await store.readStream(`${prefix}-${stream}`)).map(({ id }) => id);
        expect(ids).toEqual(model.idsOf(stream));
      }
    }

    // Several at a time: they share nothing but the store.
    const together = 8;
    await fc.assert(
      fc.asyncProperty(fc.array(sequence, { minLength: together, maxLength: together }), async (sequences) => {
        await Promise.all(sequences.map(compare));
      }),
      { numRuns: Math.ceil(cases / together / 14) },
    );
    expect(compared).toBeGreaterThan(cases * 0.9);
    // Each of the three ways was taken often.
    for (const answer of ['done', 'version_conflict', 'AssertionError'])
      expect(answers.get(answer)).toBeGreaterThan(compared / 50);
  }, 120_000);
}

/** The three-way rule, as short as it can be said. */
function modelStore() {
  const streams: Record<string, NewEvent[]> = { a: [], b: [] };
  const of = (stream: string) => streams[stream]!;
  return {
    endOf: (stream: string) => of(stream).length - 1,
    idsOf: (stream: string) => of(stream).map(({ id }) => id),
    append(stream: string, events: readonly NewEvent[], first: number): string {
      const log = of(stream);
      if (first === log.length) {
        log.push(...events);
        return 'done';
      }
      const there = events.map((event, index) =>
        log[first + index]?.id === event.id ? log[first + index] : undefined,
      );
      if (there.every((found) => found === undefined)) return 'version_conflict';
      const same = there.every((found, index) => found?.payload.equals(events[index]!.payload));
      return same ? 'done' : 'AssertionError';
    },
  };
}

type Comparable = Omit<StoredEvent, 'payload'> & { readonly payload: string };

/** Jest compares Buffers byte by byte, which takes seconds for what a scan reads. */
function comparable(event: StoredEvent): Comparable {
  return { ...event, payload: event.payload.toString('base64') };
}

const bare = ({ stream, revision, type, version, payload }: Comparable) => ({
  stream,
  revision,
  type,
  version,
  payload,
});

function describeScan(current: () => EventStore): void {
  /** Appends of many sizes, with metadata and payloads that a hand-written decoder might get wrong. */
  async function odd(store: EventStore): Promise<readonly Comparable[]> {
    const texts = [
      'plain',
      'é 😀',
      'a "quote"',
      'back\\slash',
      '',
      '","causationId":"',
      'x'.repeat(300),
      'y'.repeat(17),
    ];
    const sizes = [1, 2, 700, 1, 1, 40, 1];
    let length = 0;
    for (const size of sizes) {
      const events = someEvents(size).map((event, index) => ({
        ...event,
        type: ['Counted', 'Counted', 'Zählung', 'Counter'][index % 4]!,
        version: 1 + (index % 300),
        payload: Buffer.alloc(index % 5 === 0 ? 0 : 3_000 + index, index),
        metadata: { correlationId: texts[(index + size) % 8]!, causationId: texts[(index * 3) % 8]! },
      }));
      await store.append('s', events, length === 0 ? 'no_stream' : BigInt(length - 1));
      length += size;
    }
    await store.append('t', someEvents(3), 'no_stream');
    return (await store.readStream('s')).map(comparable);
  }

  async function scanned(...args: Parameters<EventStore['scanStream']>): Promise<Comparable[]> {
    const events: Comparable[] = [];
    for await (const batch of current().scanStream(...args)) {
      expect(batch.length).toBeGreaterThan(0);
      events.push(...batch.map(comparable));
    }
    return events;
  }

  test('a scan gives what reading gives, for any part of the stream', async () => {
    const all = await odd(current());
    expect(all).toHaveLength(746);
    expect(await scanned('s')).toEqual(all);
    for (const [from, to] of [
      [0, 0],
      [1, 2],
      [2, 2],
      [3, 702],
      [100, 101],
      [702, 704],
      [704, 745],
      [745, 745],
      [740, 999],
    ]) {
      const range = { from: BigInt(from!), to: BigInt(to!) };
      expect(await scanned('s', range)).toEqual(all.slice(from, to! + 1));
      expect((await scanned('s', { ...range, bare: true })).map(bare)).toEqual(all.slice(from, to! + 1).map(bare));
    }
    expect(await scanned('s', { from: 703n })).toEqual(all.slice(703));
    expect(await scanned('s', { from: 746n })).toEqual([]);
    expect(await scanned('nothing')).toEqual([]);
    expect(await scanned(`quoted ' \\ stream`)).toEqual([]);
  });

  test('a scan may be left early or by an error, any number of times, and the store serves on', async () => {
    const store = current();
    const all = await odd(store);
    for (let time = 0; time < 30; time++) {
      const scan = async () => {
        for await (const batch of store.scanStream('s')) {
          expect(comparable(batch[0]!)).toEqual(all[0]);
          if (time % 2 === 0) return;
          throw new RangeError('consumer');
        }
      };
      if (time % 2 === 0) await scan();
      else await expect(scan()).rejects.toThrow('consumer');
    }
    expect(await scanned('s')).toHaveLength(all.length);
    await expect(store.append('s', [anEvent()], 745n)).resolves.toEqual({ revision: 746n });
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
