import { uuidFrom } from '@daybook/runtime';
import fc from 'fast-check';
import type { EventStore, NewEvent } from '../src/event-store';
import { anEvent, bug, conflict, readWhole, someEvents } from './counted-events';

/** What a store answers to repeats. `cases`: about so many random appends are compared with the model of the rule. */
export function describeIdempotency(current: () => EventStore, cases: number): void {
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
    let run = 0;

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
    // Each of the three ways was taken: the rarest is taken some 40 times in 1,500, give or take 7.
    for (const answer of ['done', 'version_conflict', 'AssertionError'])
      expect(answers.get(answer)).toBeGreaterThanOrEqual(1);
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
