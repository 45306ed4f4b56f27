import { migrate, type Tx } from '@daybook/event-store';
import {
  applyTopics,
  createConsumer,
  listParked,
  messagingMigrations,
  on,
  openTransport,
  type Consumer,
  type OutgoingMessage,
  type RawMessage,
  type ReceivedMessage,
  type Transport,
} from '@daybook/messaging';
import {
  eventually,
  jvmKafkaIsPossible,
  kafkaAdmin,
  ownBroker,
  testDatabase,
  testLogger,
  testMetrics,
  type OwnBroker,
  type TestDatabase,
} from '@daybook/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { counted, message, testTopic, upTo } from './harness';

const timeoutMs = 60_000;
/** As short as the broker allows, so that what takes longer is not long. */
const sessionTimeoutMs = 1_500;
/** Kinds of requests, by their numbers in the protocol. */
const [joinGroupApi, heartbeatApi, syncGroupApi] = [11, 12, 14];
const kills = Number(process.env['BROKER_KILLS'] ?? 1);
type Handle = (tx: Tx, received: ReceivedMessage<{ key: string; n: number }>) => Promise<unknown>;

/** A broker of their own, behind a proxy: what the client makes of a broker and a network that fail. */
(jvmKafkaIsPossible() ? describe : describe.skip)('On a Kafka that fails,', () => {
  let broker: OwnBroker;
  let database: TestDatabase;
  let pool: Pool;
  let topic = testTopic();
  let stops: (() => Promise<void>)[];
  const { logger } = testLogger();
  const metrics = testMetrics();
  const connection = () => ({ kind: 'kafka' as const, brokers: broker.brokers, clientId: 'test', logger });
  const admin = () => kafkaAdmin(broker.brokers);

  beforeAll(async () => {
    broker = await ownBroker();
    await broker.start();
  }, 120_000);
  afterAll(() => broker?.dispose(), 60_000);
  beforeEach(async () => {
    topic = testTopic();
    database = await testDatabase();
    pool = database.pool('service');
    await migrate(pool, 'service', [messagingMigrations]);
    await pool.query(`create table effects (place bigint generated always as identity, key text, n int)`);
    await applyTopics({ ...connection(), topics: [topic] });
    stops = [];
  });
  afterEach(async () => {
    await Promise.all(stops.map((stop) => stop()));
    await database.drop();
  });

  async function open(): Promise<Transport> {
    const transport = openTransport({ ...connection(), databaseUrl: '', topics: [topic], sessionTimeoutMs });
    await transport.start();
    stops.push(() => transport.stop());
    return transport;
  }
  const record: Handle = (tx, { data }) => tx.query(`insert into effects (key, n) values ($1, $2)`, [data.key, data.n]);
  async function run(transport: Transport, handle: Handle = record): Promise<Consumer> {
    const onFatal = (error: unknown) => {
      throw error;
    };
    const deps = { pool, transport, logger, metrics, onFatal, now: () => new Date() };
    const handler = on(counted, async (tx, received) => void (await handle(tx, received)));
    const consumer = createConsumer(deps, { group: 'tests.effects', topic: topic.name, handlers: [handler] });
    await consumer.start();
    stops.unshift(() => consumer.stop());
    return consumer;
  }
  const keys = upTo(20).map((n) => `key ${n}`);
  const numbered = (count: number, from = 0): OutgoingMessage[] =>
    upTo(count).map((n) => {
      const key = keys[n % keys.length]!;
      return message(topic, key, { key, n: from + n });
    });
  async function expectAll(count: number): Promise<void> {
    const { rows } = await pool.query<{ key: string; ns: number[] }>(
      `select key, array_agg(n order by place) as ns from effects group by key`,
    );
    const found = new Map(rows.map(({ key, ns }) => [key, ns]));
    for (const [at, key] of keys.entries())
      expect([key, found.get(key)]).toEqual([key, upTo(count).filter((n) => n % keys.length === at)]);
  }

  test('B3: consumers go on by themselves when the broker was killed and came back, again and again', async () => {
    const transport = await open();
    const consumer = await run(transport);
    for (const round of upTo(kills)) {
      await eventually(() => transport.publish(numbered(200, round * 200)), { timeoutMs });
      await broker.kill();
      await broker.start();
    }
    await eventually(() => transport.publish(numbered(200, kills * 200)), { timeoutMs });
    await eventually(() => expectAll((kills + 1) * 200), { timeoutMs });
    await consumer.caughtUp();
    expect(await listParked(pool)).toEqual([]);
  }, 180_000);

  test('B4: a handler that takes longer than its session keeps its partition, and its effect is one', async () => {
    const [one, two] = [await open(), await open()];
    let handled = 0;
    const slow: Handle = async (tx, received) => {
      handled += 1;
      if (received.data.n === 7) await delay(2 * sessionTimeoutMs);
      await record(tx, received);
    };
    const shared = (times: number) =>
      eventually(() => expect(broker.proxy.requests(syncGroupApi)).toBeGreaterThanOrEqual(times), { timeoutMs });
    const before = broker.proxy.requests(syncGroupApi);
    const consumer = await run(one, slow);
    await shared(before + 1);
    await run(two, slow);
    await shared(before + 3);
    const joined = broker.proxy.requests(joinGroupApi);
    await one.publish(numbered(60));
    await consumer.caughtUp();
    await expectAll(60);
    expect(handled).toBe(60);
    // Nobody was given up, so nothing was shared out anew.
    expect(broker.proxy.requests(joinGroupApi)).toBe(joined);
  }, 60_000);

  test('B5: what a stopped process has in hand takes effect once, though its partitions went to another', async () => {
    const transport = await open();
    await transport.publish(numbered(40));
    const settings = { databaseUrl: database.url, brokers: broker.brokers, topic, sessionTimeoutMs, idleMs: 1_000 };
    const zombie = spawn(process.execPath, [join(__dirname, 'consumer-process.cjs'), JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(zombie, 'exit');
    stops.push(async () => void zombie.kill('SIGKILL'));
    await once(zombie.stdout, 'data');
    // Its transaction is open, with an effect in it.
    zombie.kill('SIGSTOP');
    const heir = await run(transport);
    await heir.caughtUp();
    zombie.kill('SIGCONT');
    await transport.publish(numbered(40, 40));
    await heir.caughtUp();
    await expectAll(80);
    // Asked to end, with messages in hand or not, it does.
    zombie.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    await expectAll(80);
    expect(await listParked(pool)).toEqual([]);
  }, 90_000);

  test('B6: a group that the broker has forgotten goes on at its place; nothing is committed there', async () => {
    const transport = await open();
    const group = `tests.effects:${topic.name}`;
    await transport.publish(numbered(200));
    const first = await run(transport);
    await first.caughtUp();
    await first.stop();
    expect(await admin().committed(group, topic.name)).toEqual([]);
    await admin().deleteGroup(group);
    await transport.publish(numbered(1_000, 200));
    const second = await run(await open());
    await second.caughtUp();
    await expectAll(1_200);
  }, 60_000);

  test('B7: over connections that break each message is stored, and those of a publisher in order', async () => {
    const transport = await open();
    const got: RawMessage[] = [];
    const { stop } = await (
      await open()
    ).consume({
      group: 'observer',
      topic: topic.name,
      startAt: async () => 0n,
      handle: async (messages) => void got.push(...messages),
    });
    stops.unshift(stop);
    const [inTurn, atOnce] = [numbered(2_500), numbered(2_500, 2_500)];
    let published = 0;
    // What fails is repeated from its first message, before anything that comes later, as a relay does.
    const publish = async (batch: readonly OutgoingMessage[]) => {
      await eventually(() => transport.publish(batch), { timeoutMs });
      published += 1;
    };
    const breaking = async (work: Promise<unknown>) => {
      let done = false;
      void work.finally(() => (done = true)).catch(() => undefined);
      while (!done) {
        const before = published;
        broker.proxy.cut();
        await eventually(() => expect(done || published > before + 5).toBe(true), { timeoutMs });
      }
      await work;
    };
    const batches = (all: readonly OutgoingMessage[]) => upTo(50).map((n) => all.slice(n * 50, n * 50 + 50));
    await breaking(batches(inTurn).reduce((before, batch) => before.then(() => publish(batch)), Promise.resolve()));
    await breaking(Promise.all(batches(atOnce).map(publish)));

    const firsts = () => {
      const seen = new Set<string>();
      const bodies = got.map(
        ({ value }) => JSON.parse(String(value)) as { id: string; data: { key: string; n: number } },
      );
      return bodies.filter(({ id }) => !seen.has(id) && seen.add(id)).map(({ data }) => data);
    };
    await eventually(() => expect(firsts()).toHaveLength(5_000), { timeoutMs });
    const numbers = (key: string) => firsts().filter((one) => one.key === key && one.n < 2_500);
    for (const key of keys) expect(numbers(key)).toEqual(numbers(key).sort((a, b) => a.n - b.n));
  }, 120_000);

  test('B10: what is not as declared is not used until it is; nothing is lost meanwhile', async () => {
    const wrong = { code: 'topics_not_as_declared', retryable: true };
    const absent = openTransport({ ...connection(), databaseUrl: '', topics: [topic, testTopic()] });
    stops.push(() => absent.stop());
    await expect(absent.publish(numbered(1))).rejects.toMatchObject(wrong);
    await admin().setTopic(topic.name, 'unclean.leader.election.enable', 'true');
    const transport = await open();
    await expect(transport.publish(numbered(1))).rejects.toMatchObject(wrong);
    const consumer = await run(transport);
    await applyTopics({ ...connection(), topics: [topic] });
    await transport.publish(numbered(100));
    await consumer.caughtUp();
    await expectAll(100);
    const more = openTransport({ ...connection(), databaseUrl: '', topics: [{ ...topic, partitions: 12 }] });
    stops.push(() => more.stop());
    await expect(more.publish(numbered(1))).rejects.toMatchObject(wrong);
  }, 60_000);

  test('B11: keys stay where they are when a topic is given more partitions under load', async () => {
    const transport = await open();
    const consumer = await run(transport);
    await transport.publish(numbered(400));
    await admin().addPartitions(topic.name, 12);
    // One that knew the topic before, and one that comes to know it now, as after a restart.
    await transport.publish(numbered(400, 400));
    await (await open()).publish(numbered(400, 800));
    await eventually(() => expectAll(1_200), { timeoutMs });
    expect([...(await transport.ends(topic.name))].filter(([partition, end]) => partition >= 6 && end > 0n)).toEqual(
      [],
    );
    await consumer.caughtUp();
  }, 60_000);

  test('D9: a consumer that stands still holds a few megabytes, however many are published', async () => {
    const transport = await open();
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    let entered = false;
    const large = upTo(60).map((n) => ({
      ...message(topic, `key ${n}`, { key: '', n }),
      value: Buffer.alloc(500_000, 32),
    }));
    await transport.publish(large);
    const before = broker.proxy.received();
    let got = 0;
    const { stop } = await (
      await open()
    ).consume({
      group: 'slow',
      topic: topic.name,
      startAt: async () => 0n,
      async handle(messages) {
        entered = true;
        await held;
        got += messages.length;
      },
    });
    stops.unshift(stop);
    await eventually(() => expect(entered).toBe(true), { timeoutMs });
    // Several heartbeats later, of 30 MB no more has come than one fetch.
    const beats = broker.proxy.requests(heartbeatApi);
    await eventually(() => expect(broker.proxy.requests(heartbeatApi)).toBeGreaterThan(beats + 5), { timeoutMs });
    expect(broker.proxy.received() - before).toBeLessThan(6_000_000);
    release();
    await eventually(() => expect(got).toBe(60), { timeoutMs });
  }, 60_000);
});
