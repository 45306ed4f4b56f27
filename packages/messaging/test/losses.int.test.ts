import { eventStoreMigrations, migrate, postgresEventStore, type Tx } from '@daybook/event-store';
import {
  createConsumer,
  createRelay,
  listParked,
  messageOf,
  messagingMigrations,
  on,
  redrive,
  republish,
  type Consumer,
  type ReceivedMessage,
  type Subscription,
  type Transport,
} from '@daybook/messaging';
import { traceIdOf, traceparentOf, uuidFrom } from '@daybook/runtime';
import { eventually, testLogger, testMetrics, type TestLogger } from '@daybook/testing';
import type { Pool } from 'pg';
import { counted, message, onEachTransport, upTo, type Harness } from './harness';

const timeoutMs = 60_000;
type Counted = ReceivedMessage<{ key: string; n: number }>;

const messagesMax = Number(process.env['POISON_MESSAGES'] ?? 10_000);
const poison: Readonly<Record<string, () => unknown>> = {
  TypeError: () => (undefined as unknown as { x: { y: number } }).x.y,
  RangeError: () => BigInt(1.5),
  SyntaxError: () => JSON.parse('{'),
  rejects: () => Promise.reject(new Error('no')),
};

onEachTransport('losses, poison and members that come and go', (name, create) => {
  describe(`A consumer on ${name}, when things go wrong,`, () => {
    let harness: Harness;
    let transport: Transport;
    let pool: Pool;
    let started: { stop(): Promise<void> }[];
    let log: TestLogger;
    const group = 'tests.effects';
    const metrics = testMetrics();
    const onFatal = (error: unknown) => {
      throw error;
    };

    beforeEach(async () => {
      log = testLogger('info');
      harness = await create();
      transport = await harness.open();
      pool = harness.database.pool('service');
      await migrate(pool, 'service', [eventStoreMigrations, messagingMigrations]);
      await pool.query(`create table effects (place bigint generated always as identity, key text, n int)`);
      started = [];
      metrics.resetMetrics();
    });
    afterEach(async () => {
      await Promise.all(started.map((each) => each.stop()));
      await harness.dispose();
    });

    const record = (tx: Tx, { data }: Counted) =>
      tx.query(`insert into effects (key, n) values ($1, $2)`, [data.key, data.n]);
    const subscribe = (handle: (tx: Tx, received: Counted) => Promise<unknown> = record): Subscription => ({
      group,
      topic: harness.topic.name,
      handlers: [on(counted, async (tx, received) => void (await handle(tx, received)))],
    });

    async function run(subscription = subscribe(), using = transport): Promise<Consumer> {
      const deps = { pool, transport: using, logger: log.logger, metrics, onFatal, now: () => new Date() };
      const consumer = createConsumer(deps, subscription);
      await consumer.start();
      started.push(consumer);
      return consumer;
    }

    const numbered = (keys: readonly string[], count: number, from = 0) =>
      upTo(count).map((n) => {
        const key = keys[n % keys.length]!;
        return message(harness.topic, key, { key, n: from + n });
      });
    async function effects(): Promise<ReadonlyMap<string, readonly number[]>> {
      const { rows } = await pool.query<{ key: string; ns: number[] }>(
        `select key, array_agg(n order by place) as ns from effects group by key`,
      );
      return new Map(rows.map(({ key, ns }) => [key, ns]));
    }
    const applied = async () => Number((await pool.query(`select count(*) from effects`)).rows[0].count);
    const keysOf = (count: number) => upTo(count).map((n) => `key ${n}`);
    /** Each number once, those of a key in order. */
    async function expectAll(keys: readonly string[], count: number): Promise<void> {
      const found = await effects();
      for (const [at, key] of keys.entries())
        expect([key, found.get(key)]).toEqual([key, upTo(count).filter((n) => n % keys.length === at)]);
    }

    // Fewer where the transport makes no difference to it.
    const messages = name === 'Kafka' ? messagesMax : messagesMax / 5;
    test(`parks the keys of poison among ${messages} messages; the others go on, and redrive resumes them in order`, async () => {
      const keys = [...Object.keys(poison), ...keysOf(196)];
      const at = Math.floor(messages / 2 / keys.length) * keys.length;
      let repaired = false;
      const subscription = subscribe(async (tx, received) => {
        await record(tx, received);
        const { key, n } = received.data;
        if (!repaired && n >= at && n < at + keys.length) await poison[key]?.();
      });
      const consumer = await run(subscription);
      await transport.publish(numbered(keys, messages));
      await consumer.caughtUp();

      const parked = await listParked(pool, { group });
      expect(parked.map(({ key }) => key).sort()).toEqual(Object.keys(poison).sort());
      const each = messages / keys.length;
      const before = at / keys.length;
      const found = await effects();
      for (const key of keys) expect([key, found.get(key)?.length]).toEqual([key, key in poison ? before : each]);
      expect((await applied()) + parked.reduce((sum, one) => sum + one.messages, 0)).toBe(messages);

      repaired = true;
      const deps = { pool, logger: log.logger, metrics, onFatal, subscriptions: [subscription] };
      expect(await redrive(deps, { group })).toEqual({ handled: 4 * (each - before), stillParked: 0 });
      await expectAll(keys, messages);
    }, 240_000);

    test('loses and doubles nothing while members come and go', async () => {
      const keys = keysOf(40);
      const rounds = Number(process.env['REBALANCES'] ?? (name === 'Kafka' ? 3 : 8));
      const each = 200;
      const members = [await run(), await run(subscribe(), await harness.open())];
      for (const round of upTo(rounds)) {
        await transport.publish(numbered(keys, each, round * each));
        // Whoever leaves has messages in hand.
        await eventually(async () => expect(await applied()).toBeGreaterThan((round * each) / 4), { timeoutMs });
        const [leaving] = members.splice(round % members.length, 1);
        const [, joined] = await Promise.all([leaving!.stop(), run(subscribe(), await harness.open())]);
        members.push(joined);
      }
      await members[0]!.caughtUp();
      await expectAll(keys, rounds * each);
    }, 120_000);

    test('loses and repeats nothing over many stops and starts', async () => {
      const keys = keysOf(10);
      const restarts = Number(process.env['RESTARTS'] ?? 15);
      const count = restarts * 100;
      await transport.publish(numbered(keys, count));
      for (const restart of upTo(restarts)) {
        const consumer = await run();
        const target = Math.min(count, 60 * (restart + 1));
        await eventually(async () => expect(await applied()).toBeGreaterThanOrEqual(target), { timeoutMs });
        await consumer.stop();
      }
      await (await run()).caughtUp();
      await expectAll(keys, count);
    }, 240_000);

    test('gets what it missed when the topic is made anew, though it is longer than its place by then', async () => {
      const keys = keysOf(12);
      const sent = numbered(keys, 600);
      // Repetitions take offsets that the new topic gives to others.
      for (const from of [0, 100, 200])
        await transport.publish([...sent.slice(from, from + 100), ...sent.slice(0, 100)]);
      const first = await run();
      await first.caughtUp();
      await first.stop();
      await harness.wipe();
      await (await harness.open()).publish([...sent, ...sent, ...sent]);
      await (await run()).caughtUp();
      await eventually(() => expectAll(keys, 600), { timeoutMs });
    }, 120_000);

    test('gets what it missed also when it is running then', async () => {
      const keys = keysOf(12);
      const sent = numbered(keys, 300);
      await transport.publish([...sent.slice(0, 100), ...sent.slice(0, 100), ...sent.slice(0, 100)]);
      const consumer = await run();
      await consumer.caughtUp();
      await harness.wipe();
      await (await harness.open()).publish([...sent, ...sent]);
      // In any order: on Kafka it may see what is new before it sees that the topic is.
      const numbers = async () => [...(await effects()).values()].flat().sort((a, b) => a - b);
      await eventually(async () => expect(await numbers()).toEqual(upTo(300)), { timeoutMs });
    }, 120_000);

    test('waits at a gap instead of skipping it, and says so', async () => {
      const keys = keysOf(12);
      const sent = numbered(keys, 300);
      await transport.publish(sent);
      await harness.removeBefore(5n);
      const consumer = await run();
      const missing = () => log.lines.filter(({ msg }) => msg === 'messages are missing; publish them again');
      await eventually(() => expect(missing().length).toBeGreaterThan(6), { timeoutMs });
      expect(await applied()).toBe(0);
      await consumer.stop();
      await harness.wipe();
      await (await harness.open()).publish(sent);
      await (await run()).caughtUp();
      await expectAll(keys, 300);
    }, 120_000);

    test('gets all again from the store: a relay does not go on in a topic that lost what it told', async () => {
      const store = postgresEventStore(pool);
      const append = (n: number, keys: readonly string[]) =>
        Promise.all(
          keys.map((key) => {
            const metadata = { correlationId: key, causationId: key };
            const payload = Buffer.from(JSON.stringify({ key, n }));
            const event = { id: uuidFrom([key, `${n}`]), type: 'Counted', version: 1, payload, metadata };
            return store.append(key, [event], n === 0 ? 'no_stream' : BigInt(n - 1));
          }),
        );
      const relay = createRelay(
        { pool, store, transport, logger: log.logger, metrics, onFatal },
        {
          name: 'test',
          map: (event) => [
            {
              ...messageOf(counted, JSON.parse(String(event.payload)) as Counted['data'], event),
              topic: harness.topic.name,
            },
          ],
        },
      );
      await relay.start();
      started.push(relay);
      const keys = keysOf(12);
      for (const n of upTo(5)) await append(n, keys);
      await relay.caughtUp();
      const first = await run();
      await first.caughtUp();
      await first.stop();
      for (const n of [5, 6]) await append(n, keys);
      await relay.caughtUp();

      await relay.stop();
      await harness.wipe();
      await append(7, keys);
      await relay.start();
      const refused = () => log.lines.filter(({ error }) => JSON.stringify(error ?? '').includes('topic_begins_again'));
      await eventually(() => expect(refused().length).toBeGreaterThan(0), { timeoutMs });
      expect(await republish(pool)).toEqual(['test']);
      expect(await republish(pool)).toEqual(['test']);
      await eventually(
        async () =>
          expect(
            [...(await transport.ends(harness.topic.name)).values()].reduce((a, b) => a + b, 0n),
          ).toBeGreaterThanOrEqual(96n),
        { timeoutMs },
      );
      await relay.caughtUp();
      await (await run()).caughtUp();
      const traces: (string | undefined)[] = [];
      const observer = await transport.consume({
        group: 'observer',
        topic: harness.topic.name,
        startAt: async () => 0n,
        handle: async (got) => void traces.push(...got.map(({ headers }) => traceIdOf(headers['traceparent']))),
      });
      await eventually(() => expect(traces.length).toBeGreaterThanOrEqual(96), { timeoutMs });
      await observer.stop();
      const found = await effects();
      for (const key of keys) expect([key, found.get(key)]).toEqual([key, upTo(8)]);
      expect(new Set(traces)).toEqual(
        new Set(keys.map((key) => traceIdOf(traceparentOf({ correlationId: key, causationId: '' })))),
      );
      await store.close();
    }, 120_000);
  });
});
