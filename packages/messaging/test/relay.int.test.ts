import { OperationalError } from '@daybook/core';
import {
  eventStoreMigrations,
  migrate,
  postgresEventStore,
  type EventStore,
  type StoredEvent,
} from '@daybook/event-store';
import {
  createRelay,
  messagingMigrations,
  type OutgoingMessage,
  type RawMessage,
  type Transport,
} from '@daybook/messaging';
import { uuidFrom } from '@daybook/runtime';
import { eventually, testLogger, testMetrics } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { onEachTransport, upTo, type Harness } from './harness';

const timeoutMs = 30_000;

onEachTransport('the relay', (name, create) => {
  describe(`A relay to ${name}`, () => {
    let harness: Harness;
    let transport: Transport;
    let pool: Pool;
    let store: EventStore;
    let got: RawMessage[];
    let started: { stop(): Promise<void> }[];
    const { logger } = testLogger();
    const metrics = testMetrics();

    beforeEach(async () => {
      harness = await create();
      transport = await harness.open();
      pool = harness.database.pool('service');
      await migrate(pool, 'service', [eventStoreMigrations, messagingMigrations]);
      store = postgresEventStore(pool);
      got = [];
      started = [];
      metrics.resetMetrics();
      await transport.consume({
        group: 'observer',
        topic: harness.topic.name,
        startAt: async () => 0n,
        handle: async (messages) => void got.push(...messages),
      });
    });
    afterEach(async () => {
      await Promise.all(started.map((relay) => relay.stop()));
      await store.close();
      await harness.dispose();
    });

    const fail = (error: unknown) => {
      throw error;
    };
    const map = (event: StoredEvent): readonly OutgoingMessage[] =>
      event.type === 'Private'
        ? []
        : [
            {
              topic: harness.topic.name,
              key: event.stream,
              id: uuidFrom([event.id, 'message']),
              value: Buffer.from(JSON.stringify({ id: uuidFrom([event.id, 'message']), n: Number(event.revision) })),
              headers: {},
            },
          ];

    async function run(using: Transport) {
      const relay = createRelay(
        { pool, store, transport: using, logger, metrics, onFatal: fail },
        { name: 'test', map },
      );
      await relay.start();
      started.push(relay);
      return relay;
    }

    async function append(streams: readonly string[], each: number, from = 0): Promise<void> {
      for (const stream of streams) {
        const events = upTo(each).map((n) => ({
          id: randomUUID(),
          type: n % 5 === 4 ? 'Private' : 'Told',
          version: 1,
          payload: Buffer.from('{}'),
          metadata: { correlationId: stream, causationId: stream },
        }));
        await store.append(stream, events, from === 0 ? 'no_stream' : BigInt(from - 1));
      }
    }

    /** By stream, what a consumer makes of it: the first of each id. */
    function deduplicated(): ReadonlyMap<string, readonly number[]> {
      const ids = new Set<string>();
      const byKey = new Map<string, number[]>();
      for (const { key, value } of got) {
        const { id, n } = JSON.parse(value!.toString()) as { id: string; n: number };
        if (ids.has(id)) continue;
        ids.add(id);
        byKey.set(key, [...(byKey.get(key) ?? []), n]);
      }
      return byKey;
    }

    const streams = upTo(12).map((n) => `stream-${n}`);
    const told = (count: number) => upTo(count).filter((n) => n % 5 !== 4);

    /** Everything told is there, in the order of its stream. */
    async function expectAll(each: number): Promise<void> {
      await eventually(() => expect(deduplicated().size).toBe(streams.length), { timeoutMs });
      await eventually(
        () => {
          for (const stream of streams) expect(deduplicated().get(stream)).toEqual(told(each));
        },
        { timeoutMs },
      );
    }

    test('publishes what its map tells, once, in the order of each stream, and nothing else', async () => {
      const relay = await run(transport);
      await append(streams, 20);
      await relay.caughtUp();
      await expectAll(20);
      expect(got.filter(({ key }) => !streams.includes(key))).toEqual([]);
    });

    test('publishes again with equal ids after a crash between publication and checkpoint', async () => {
      await append(streams, 20);
      let crashes = 3;
      const crashing = {
        ...transport,
        async publish(messages: readonly OutgoingMessage[]) {
          const published = await transport.publish(messages);
          if (crashes-- > 0) throw new OperationalError('broker_unavailable', true);
          return published;
        },
      };
      const relay = await run(crashing);
      await relay.caughtUp();
      await expectAll(20);
      await eventually(() => expect(got.length).toBeGreaterThan(told(20).length * streams.length), { timeoutMs });
    });

    test('waits for a broker that is away; appends go on, and nothing is lost', async () => {
      let away = true;
      let refused = 0;
      const flaky = {
        ...transport,
        async publish(messages: readonly OutgoingMessage[]) {
          if (away) {
            refused += 1;
            throw new OperationalError('broker_unavailable', true);
          }
          return transport.publish(messages);
        },
      };
      const relay = await run(flaky);
      await append(streams, 10);
      await eventually(() => expect(refused).toBeGreaterThan(2), { timeoutMs });
      await append(streams, 10, 10);
      away = false;
      await relay.caughtUp();
      await eventually(() => expect(deduplicated().size).toBe(streams.length), { timeoutMs });
      for (const stream of streams) {
        await eventually(
          () => expect(deduplicated().get(stream)).toEqual([...told(10), ...told(10).map((n) => n + 10)]),
          { timeoutMs },
        );
      }
    });

    test('is harmless when two run', async () => {
      await Promise.all([run(transport), run(await harness.open())]);
      await Promise.all(streams.map((stream) => append([stream], 40)));
      await expectAll(40);
    });
  });
});
