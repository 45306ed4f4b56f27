import type { Position, StoredEvent } from './event-store';
import { decodedOnce, logTail } from './log-tail';

const start = 'start' as Position;

/** A log of numbered events, and what was asked of it. */
function log(count: number) {
  const asked: string[] = [];
  const events = Array.from({ length: count }, (_, n) => ({ position: `${n}` as Position }) as StoredEvent);
  return {
    asked,
    events,
    append: () => void events.push({ position: `${events.length}` as Position } as StoredEvent),
    async read(from: Position, limit: number) {
      asked.push(`${from}+${limit}`);
      const first = from === start ? 0 : Number(from) + 1;
      const found = events.slice(first, first + limit);
      await Promise.resolve();
      return found;
    },
  };
}

const numbers = (found: readonly StoredEvent[]) => found.map(({ position }) => Number(position));

test('readers of the same place share one reading, each as far as it asked', async () => {
  const { asked, read } = log(5);
  const tail = logTail(read);
  const found = await Promise.all([tail(start, 10), tail(start, 3), tail(start, 20)]);
  expect(found.map(numbers)).toEqual([
    [0, 1, 2, 3, 4],
    [0, 1, 2],
    [0, 1, 2, 3, 4],
  ]);
  expect(numbers(await tail('2' as Position, 10))).toEqual([3, 4]);
  expect(asked).toEqual(['start+10']);
});

test('who has all that is remembered reads on, and the others get that too', async () => {
  const { asked, read, append } = log(2);
  const tail = logTail(read);
  await tail(start, 10);
  expect(await tail('1' as Position, 10)).toEqual([]);
  append();
  expect(numbers(await tail('1' as Position, 10))).toEqual([2]);
  expect(numbers(await tail('0' as Position, 10))).toEqual([1, 2]);
  expect(asked).toEqual(['start+10', '1+10', '1+10']);
});

test('every way of reading the log in portions gives all of it, in order', async () => {
  for (const limits of [[1], [3, 7], [512, 5], [600, 20], [2_000, 1, 300]]) {
    const { read, events, append } = log(3_000);
    const tail = logTail(read);
    const readers = limits.map(async (limit) => {
      const found: number[] = [];
      for (let from = start; found.length < 3_100;) {
        const some = await tail(from, limit);
        if (some.length === 0) append();
        found.push(...numbers(some));
        from = some.at(-1)?.position ?? from;
      }
      return found.slice(0, 3_100);
    });
    for (const found of await Promise.all(readers)) expect(found).toEqual(numbers(events).slice(0, 3_100));
  }
});

test('a reading that fails is not shared', async () => {
  let failing = true;
  const { read } = log(1);
  const tail = logTail((from, limit) => (failing ? Promise.reject(new Error('away')) : read(from, limit)));
  const first = tail(start, 5);
  failing = false;
  await expect(first).rejects.toThrow('away');
  expect(numbers(await tail(start, 5))).toEqual([0]);
});

test('an event that several readers get is decoded once, and one of a backlog for each', async () => {
  let decodings = 0;
  const decode = decodedOnce(() => ({ n: decodings++ }));
  const { read } = log(1_000);
  const tail = logTail(read);
  const [event] = await tail(start, 5);
  expect(decode(event!)).toBe(decode(event!));
  const [other] = await tail('10' as Position, 900);
  expect(decode(other!)).not.toBe(decode(other!));
  expect(decodings).toBe(3);
});
