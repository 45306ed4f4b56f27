import type { EventStore } from '../src/event-store';
import { anEvent, comparable, someEvents, type Comparable } from './counted-events';

const bare = ({ stream, revision, type, version, payload }: Comparable) => ({
  stream,
  revision,
  type,
  version,
  payload,
});

/** What a store gives to those who read a stream in batches. */
export function describeScan(current: () => EventStore): void {
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
