import type { OutgoingMessage, RawMessage, Transport } from '@daybook/messaging';
import { eventually } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { upTo, type Harness } from './harness';

const timeoutMs = 30_000;

/** Every Transport adapter runs this file. An adapter that needs an exception is not an adapter. */
export function describeTransport(name: string, create: () => Promise<Harness>): void {
  describe(`${name} as a Transport`, () => {
    let harness: Harness;

    beforeEach(async () => {
      harness = await create();
    });
    afterEach(async () => {
      await harness.dispose();
    });

    const open = (): Promise<Transport> => harness.open();
    const messages = (keys: readonly string[], count: number): OutgoingMessage[] =>
      Array.from({ length: count }, (_, n) => ({
        topic: harness.topic.name,
        key: keys[n % keys.length]!,
        id: randomUUID(),
        value: Buffer.from(`${n}`),
        headers: { n: `${n}` },
      }));

    /** Collects what a member of the group gets. `handle` may refuse by throwing. */
    async function member(
      transport: Transport,
      group: string,
      options: { startAt?: (p: number) => Promise<bigint>; handle?: (m: readonly RawMessage[]) => Promise<void> } = {},
    ) {
      const got: RawMessage[] = [];
      const consumer = await transport.consume({
        group,
        topic: harness.topic.name,
        startAt: options.startAt ?? (async () => 0n),
        async handle(batch) {
          await options.handle?.(batch);
          got.push(...batch);
        },
      });
      return { got, stop: () => consumer.stop() };
    }

    const numbers = (got: readonly RawMessage[]) => got.map(({ value }) => Number(value)).sort((a, b) => a - b);

    test('delivers each key in the order of publication, with its bytes and headers', async () => {
      const transport = await open();
      const sent = messages(['a', 'b', 'c', 'd', 'e'], 500);
      await transport.publish(sent.slice(0, 250));
      const { got } = await member(transport, 'one');
      await transport.publish(sent.slice(250));
      await eventually(() => expect(got).toHaveLength(500), { timeoutMs });
      for (const key of ['a', 'b', 'c', 'd', 'e']) {
        const of = <T extends { key: string; value: Buffer | null }>(list: readonly T[]) =>
          list.filter((m) => m.key === key).map(({ value }) => value?.toString());
        expect(of(got)).toEqual(of(sent));
      }
      expect(got.every(({ headers, value }) => headers['n'] === value?.toString())).toBe(true);
    });

    test('gives a key one partition, and offsets that follow each other', async () => {
      const transport = await open();
      await transport.publish(messages(['a', 'b', 'c', 'd'], 100));
      const { got } = await member(transport, 'one');
      await eventually(() => expect(got).toHaveLength(100), { timeoutMs });
      expect(new Set(got.map(({ key, partition }) => `${key} ${partition}`)).size).toBe(4);
      for (const partition of new Set(got.map((m) => m.partition))) {
        const offsets = got.filter((m) => m.partition === partition).map(({ offset }) => Number(offset));
        expect(offsets).toEqual(upTo(offsets.length));
      }
    });

    test('shows every message to every group', async () => {
      const transport = await open();
      const first = await member(transport, 'one');
      const second = await member(await open(), 'two');
      await transport.publish(messages(['a', 'b', 'c'], 60));
      await eventually(() => expect([first.got.length, second.got.length]).toEqual([60, 60]), { timeoutMs });
    });

    test('shares partitions between the members of a group, and hands them over when one leaves', async () => {
      const keys = upTo(40).map((n) => `key ${n}`);
      const transport = await open();
      const stored = new Map<number, bigint>();
      const options = {
        startAt: async (partition: number) => stored.get(partition) ?? 0n,
        handle: async (batch: readonly RawMessage[]) => void stored.set(batch[0]!.partition, batch.at(-1)!.offset + 1n),
      };
      const one = await member(transport, 'shared', options);
      const two = await member(await open(), 'shared', options);
      // The members need a moment to agree; from then on both get messages, and no message goes to both.
      await eventually(
        async () => {
          await transport.publish(messages(keys, 40));
          expect(Math.min(one.got.length, two.got.length)).toBeGreaterThan(0);
        },
        { timeoutMs },
      );
      await two.stop();
      const before = one.got.length + two.got.length;
      await transport.publish(messages(keys, 40));
      const ends = await transport.ends(harness.topic.name);
      const total = [...ends.values()].reduce((sum, end) => sum + Number(end), 0);
      expect(total).toBeGreaterThan(before);
      await eventually(
        () => expect(new Set([...one.got, ...two.got].map((m) => `${m.partition} ${m.offset}`)).size).toBe(total),
        { timeoutMs },
      );
      expect(one.got.length + two.got.length).toBe(total);
    });

    test('delivers the same messages again when they were not handled, and other partitions meanwhile', async () => {
      const transport = await open();
      const refused: string[] = [];
      let refusing = true;
      const keys = upTo(30).map((n) => `key ${n}`);
      let bad: number | undefined;
      const { got } = await member(transport, 'one', {
        async handle(batch) {
          bad ??= batch[0]!.partition;
          if (!refusing || batch[0]!.partition !== bad) return;
          refused.push(`${batch[0]!.partition} ${batch[0]!.offset}`);
          // Of the kinds that a client library may take for its own fault.
          throw refused.length % 2 === 0 ? new TypeError('not handled') : new SyntaxError('not handled');
        },
      });
      await transport.publish(messages(keys, 300));
      await eventually(() => expect(refused.length).toBeGreaterThan(2), { timeoutMs });
      const ends = await transport.ends(harness.topic.name);
      const others = [...ends].filter(([p]) => p !== bad).reduce((sum, [, end]) => sum + Number(end), 0);
      await eventually(() => expect(got).toHaveLength(others), { timeoutMs });
      refusing = false;
      await eventually(() => expect(numbers(got)).toEqual(upTo(300)), { timeoutMs });
      expect(new Set(refused).size).toBe(1);
    });

    test('starts where the consumer says', async () => {
      const transport = await open();
      await transport.publish(messages(['only'], 50));
      const { got } = await member(transport, 'one', { startAt: async () => 20n });
      await eventually(() => expect(numbers(got)).toEqual(upTo(50).slice(20)), { timeoutMs });
    });

    test('keeps what it has published over a restart, and a stopped consumer resumes at its place', async () => {
      const first = await open();
      const before = await member(first, 'one');
      await first.publish(messages(['a'], 10));
      await eventually(() => expect(before.got).toHaveLength(10), { timeoutMs });
      await before.stop();
      await first.publish(messages(['a'], 10));
      expect(before.got).toHaveLength(10);
      await first.stop();

      const after = await member(await open(), 'one', {
        startAt: async (p) => (p === before.got[0]!.partition ? 10n : 0n),
      });
      await eventually(() => expect(after.got.map(({ offset }) => Number(offset))).toEqual(upTo(20).slice(10)), {
        timeoutMs,
      });
    });

    test('waits for the handler in progress when it stops', async () => {
      const transport = await open();
      let release!: () => void;
      const held = new Promise<void>((resolve) => (release = resolve));
      let started = false;
      const { got, stop } = await member(transport, 'one', {
        handle: () => {
          started = true;
          return held;
        },
      });
      await transport.publish(messages(['a'], 1));
      await eventually(() => expect(started).toBe(true), { timeoutMs });
      const stopped = stop().then(() => got.length);
      release();
      expect(await stopped).toBe(1);
    });

    test('carries 0.9 MB, and refuses more, and what comes with it, before any of it is stored', async () => {
      const transport = await open();
      const sized = (bytes: number) => ({ ...messages(['a'], 1)[0]!, value: Buffer.alloc(bytes, 32) });
      const [small] = messages(['a'], 1);
      for (const bytes of [900_001, 1_048_577, 5_000_000]) {
        await expect(transport.publish([small!, sized(bytes)])).rejects.toMatchObject({
          code: 'message_too_large',
          message: expect.stringContaining(`${bytes} bytes`),
        });
      }
      await transport.publish([sized(900_000)]);
      const { got } = await member(transport, 'one');
      await eventually(() => expect(got.map(({ value }) => value?.length)).toEqual([900_000]), { timeoutMs });
    });

    test('knows where each partition ends', async () => {
      const transport = await open();
      const empty = await transport.ends(harness.topic.name);
      expect([...empty.keys()].sort()).toEqual(upTo(harness.topic.partitions));
      expect([...empty.values()].every((end) => end === 0n)).toBe(true);
      await transport.publish(messages(['a'], 7));
      expect([...(await transport.ends(harness.topic.name)).values()].filter((end) => end > 0n)).toEqual([7n]);
    });

    test('keeps order and gaplessness under concurrent publishers', async () => {
      const transport = await open();
      const other = await open();
      const { got } = await member(transport, 'one');
      const keys = ['a', 'b', 'c', 'd'];
      await Promise.all(upTo(40).map((n) => (n % 2 === 0 ? transport : other).publish(messages(keys, 12))));
      // A publication may be repeated by the client, never cut: everything up to the end is there, once an offset.
      const ends = await transport.ends(harness.topic.name);
      const total = [...ends.values()].reduce((sum, end) => sum + Number(end), 0);
      expect(total).toBeGreaterThanOrEqual(480);
      await eventually(() => expect(got).toHaveLength(total), { timeoutMs });
      for (const partition of new Set(got.map((m) => m.partition))) {
        const offsets = got.filter((m) => m.partition === partition).map(({ offset }) => Number(offset));
        expect(offsets).toEqual(upTo(offsets.length));
      }
    });
  });
}
