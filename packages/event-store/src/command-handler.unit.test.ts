import { randomUUID } from 'node:crypto';
import { accept, OperationalError, reject, type Decider } from '@daybook/core';
import { z } from 'zod';
import { defineStoredEvents, type StoredEventsOf } from './codec';
import { commandHandler } from './command-handler';
import type { EventStore, ExpectedRevision } from './event-store';
import { memoryEventStore } from './memory-event-store';

const codec = defineStoredEvents({ Taken: { version: 1, data: z.object({ seat: z.int(), by: z.string() }) } });
type Event = StoredEventsOf<typeof codec>;
type Command = { readonly seat: number; readonly by: string };
type State = ReadonlyMap<number, string>;

/** Seats are taken once; taking your own again is already done. */
const seats: Decider<State, Command, Event, 'seat_taken'> = {
  initial: new Map(),
  decide({ seat, by }, state) {
    const holder = state.get(seat);
    if (holder === undefined) return accept({ type: 'Taken', seat, by });
    return holder === by ? accept() : reject('seat_taken');
  },
  evolve: (state, { seat, by }) => new Map(state).set(seat, by),
};

const context = (commandId: string) => ({ commandId, correlationId: 'c', causationId: 'c' });

/** Runs `interfere` before or after the first append that the handler makes. */
function interrupted(store: EventStore, when: 'before' | 'after', interfere: () => Promise<void>): EventStore {
  let first = true;
  return {
    ...store,
    async append(...append) {
      const now = first;
      first = false;
      if (now && when === 'before') await interfere();
      const answer = await store.append(...append);
      if (now && when === 'after') await interfere();
      return answer;
    },
  };
}

const unknownOutcome = () => Promise.reject(new OperationalError('outcome_unknown', true));

describe('commandHandler', () => {
  test('appends what was decided, with the ids of its context', async () => {
    const store = memoryEventStore();
    const { handle, load } = commandHandler(seats, codec, store);
    const outcome = await handle('s', { seat: 1, by: 'ann' }, context('x'));
    expect(outcome).toMatchObject({ ok: true, events: [{ type: 'Taken', seat: 1, by: 'ann' }], expected: 'no_stream' });
    expect((await load('s')).state.get(1)).toBe('ann');
    expect(await store.readStream('s')).toMatchObject([{ metadata: { correlationId: 'c', causationId: 'c' } }]);
  });

  test('a rejection records nothing and brings the state', async () => {
    const store = memoryEventStore();
    const { handle } = commandHandler(seats, codec, store);
    await handle('s', { seat: 1, by: 'ann' }, context('x'));
    const outcome = await handle('s', { seat: 1, by: 'bob' }, context('y'));
    expect(outcome).toEqual({ ok: false, rejection: 'seat_taken', state: new Map([[1, 'ann']]) });
    expect(await store.readStream('s')).toHaveLength(1);
  });

  describe('of a long stream', () => {
    const length = 150;
    const taken = (seat: number) => ({ seat, by: 'ann' });

    const eventOf = (seat: number) => ({
      id: randomUUID(),
      ...codec.encode({ type: 'Taken', ...taken(seat) }),
      metadata: { correlationId: 'c', causationId: 'c' },
    });

    /** A store that can be exchanged for another, and counts the events that are read. */
    async function scene() {
      let store = memoryEventStore();
      let read = 0;
      const counted: EventStore = {
        ...store,
        append: (...append) => store.append(...append),
        async readStream(...asked) {
          const events = await store.readStream(...asked);
          read += events.length;
          return events;
        },
      };
      const { handle, load } = commandHandler(seats, codec, counted);
      for (let seat = 0; seat < length; seat++) await handle('s', taken(seat), context(`${seat}`));
      return {
        handle,
        load,
        all: () => store.readStream('s'),
        append: (stream: string, seats: readonly number[], expected: ExpectedRevision) =>
          store.append(stream, seats.map(eventOf), expected),
        exchange: (other: EventStore) => (store = other),
        async readBy(work: () => Promise<unknown>) {
          const before = read;
          await work();
          return read - before;
        },
      };
    }

    test('only the last event and what is new is read, by whomever it was written', async () => {
      const { handle, load, readBy, all, append } = await scene();
      await load('s');
      expect(await readBy(() => handle('s', taken(length), context('x')))).toBe(1);
      await append('s', [length + 1, length + 2], BigInt(length));
      expect(await readBy(() => load('s'))).toBe(4);
      expect(await readBy(() => load('s'))).toBe(1);
      expect((await load('s')).state.size).toBe(length + 3);
      expect(await all()).toHaveLength(length + 3);
      expect(await handle('s', { seat: 3, by: 'bob' }, context('y'))).toMatchObject({ rejection: 'seat_taken' });
    });

    test('what was used last is kept, and no more', async () => {
      const { readBy, load, append } = await scene();
      const seats = Array.from({ length: 101 }, (_, seat) => seat);
      await load('s');
      for (let other = 0; other < 100; other++) {
        expect(await readBy(() => load('s'))).toBe(1);
        await append(`other-${other}`, seats, 'no_stream');
        await load(`other-${other}`);
      }
      expect(await readBy(() => load('other-1'))).toBe(1);
      expect(await readBy(() => load('other-0'))).toBe(101);
    });

    test.each([
      ['is shorter', 120, 0],
      ['has gone on otherwise', 120, 60],
    ])('a store that was put back to an earlier state and %s is read anew', async (_name, length, more) => {
      const { handle, load, all, exchange, append } = await scene();
      await load('s');
      const earlier = memoryEventStore();
      await earlier.append('s', (await all()).slice(0, length), 'no_stream');
      exchange(earlier);
      const others = Array.from({ length: more }, (_, index) => 1_000 + index);
      if (more > 0) await append('s', others, BigInt(length - 1));
      expect(await handle('s', taken(130), context('x'))).toMatchObject({ ok: true, events: [{ seat: 130 }] });
      expect((await load('s')).state.size).toBe(length + more + 1);
    });
  });

  test('a repeat of a command is accepted and records nothing', async () => {
    const store = memoryEventStore();
    const { handle } = commandHandler(seats, codec, store);
    const answers = [];
    for (let n = 0; n < 3; n++) answers.push(await handle('s', { seat: 1, by: 'ann' }, context('x')));
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(await store.readStream('s')).toHaveLength(1);
  });

  test('the same command from many callers at once is recorded once', async () => {
    const store = memoryEventStore();
    const { handle } = commandHandler(seats, codec, store);
    const calls = Array.from({ length: 30 }, () => handle('s', { seat: 1, by: 'ann' }, context('x')));
    expect((await Promise.all(calls)).every(({ ok }) => ok)).toBe(true);
    expect(await store.readStream('s')).toHaveLength(1);
  });

  test.each([
    ['another seat is taken first: both stand', { seat: 2, by: 'bob' }, { ok: true }, 2],
    [
      'the seat itself is taken first: the rule says no',
      { seat: 1, by: 'bob' },
      { ok: false, rejection: 'seat_taken' },
      1,
    ],
  ])('decides again after a conflict; %s', async (_name, rival, answer, recorded) => {
    const store = memoryEventStore();
    const other = commandHandler(seats, codec, store);
    const { handle } = commandHandler(
      seats,
      codec,
      interrupted(store, 'before', async () => void (await other.handle('s', rival, context('rival')))),
    );
    expect(await handle('s', { seat: 1, by: 'ann' }, context('x'))).toMatchObject(answer);
    expect(await store.readStream('s')).toHaveLength(recorded);
  });

  test.each(['before', 'after'] as const)('an unknown outcome %s the commit ends in one record', async (when) => {
    const store = memoryEventStore();
    const { handle } = commandHandler(seats, codec, interrupted(store, when, unknownOutcome));
    expect(await handle('s', { seat: 1, by: 'ann' }, context('x'))).toMatchObject({ ok: true });
    expect(await store.readStream('s')).toHaveLength(1);
  });

  test('an acknowledgement that was lost is found again: what is answered is what this command recorded', async () => {
    const store = memoryEventStore();
    const other = commandHandler(seats, codec, store);
    const rival = async () => void (await other.handle('s', { seat: 2, by: 'bob' }, context('rival')));
    const { handle } = commandHandler(
      seats,
      codec,
      interrupted(store, 'after', async () => {
        await rival();
        await unknownOutcome();
      }),
    );
    const outcome = await handle('s', { seat: 1, by: 'ann' }, context('x'));
    expect(outcome).toMatchObject({ ok: true, events: [{ type: 'Taken', seat: 1, by: 'ann' }], expected: 'no_stream' });
    expect(await store.readStream('s')).toHaveLength(2);
  });

  test('when the append was lost and another was first, the rule decides on what that one recorded', async () => {
    const store = memoryEventStore();
    const other = commandHandler(seats, codec, store);
    const { handle } = commandHandler(
      seats,
      codec,
      interrupted(store, 'before', async () => {
        await other.handle('s', { seat: 1, by: 'bob' }, context('rival'));
        await unknownOutcome();
      }),
    );
    expect(await handle('s', { seat: 1, by: 'ann' }, context('x'))).toMatchObject({
      ok: false,
      rejection: 'seat_taken',
    });
    expect(await store.readStream('s')).toHaveLength(1);
  });

  test('gives up on conflicts in the end, and passes other failures on at once', async () => {
    let appends = 0;
    const failing = (code: 'version_conflict' | 'store_unavailable'): EventStore => ({
      ...memoryEventStore(),
      append() {
        appends++;
        return Promise.reject(new OperationalError(code, true));
      },
    });
    const run = (store: EventStore) =>
      commandHandler(seats, codec, store).handle('s', { seat: 1, by: 'ann' }, context('x'));
    await expect(run(failing('version_conflict'))).rejects.toMatchObject({ code: 'version_conflict' });
    expect(appends).toBe(21);
    await expect(run(failing('store_unavailable'))).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(appends).toBe(22);
  });
});
