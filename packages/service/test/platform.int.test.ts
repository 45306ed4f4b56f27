import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineEvent } from '@daybook/contracts';
import type { EventCodec, EventStore, StoredEvent } from '@daybook/event-store';
import { on, openTransport, type Transport } from '@daybook/messaging';
import { parseConfig, serviceSettings, type Component } from '@daybook/runtime';
import { openPlatform, type PlatformOverrides, type ServiceParts } from '@daybook/service';
import { eventually, testDatabase, testLogger, type TestDatabase } from '@daybook/testing';
import { z } from 'zod';
import { countedMessage } from './counted';

const counted = defineEvent({
  type: 'Counted',
  version: 1,
  topic: 'tests.counts',
  summary: 'A test counted.',
  key: (data) => data.key,
  data: z.object({ key: z.string() }),
});

const token = 'a token of thirty-two characters';
const askStatus = (url: string, held = token) => {
  const headers = { authorization: `Bearer ${held}`, 'content-type': 'application/json' };
  return fetch(`${url}/calls/two-words.read-status`, { method: 'POST', headers, body: '{}' });
};

let database: TestDatabase;
let migrations: string;
let stops: (() => Promise<unknown>)[];
const { logger } = testLogger();

beforeEach(async () => {
  database = await testDatabase();
  migrations = mkdtempSync(join(tmpdir(), 'daybook-service-'));
  writeFileSync(join(migrations, '0001_create_things.sql'), 'create table things (id int primary key);');
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop().catch(() => undefined);
  await database.drop();
  rmSync(migrations, { recursive: true, force: true });
});

function open(overrides: Partial<PlatformOverrides> = {}, settings: Record<string, string> = {}) {
  const env = { DATABASE_URL: database.url, INTERNAL_TOKEN: token, ...settings };
  const config = parseConfig(z.object(serviceSettings), env);
  const platform = openPlatform(config, { name: 'two-words', migrations }, { logger, ...overrides });
  const service = (parts: ServiceParts) => {
    const opened = platform.service(parts);
    stops.push(opened.stop);
    return opened;
  };
  return { ...platform, service };
}

/** Notes its start and its stop, and what it finds then. */
function witness(name: string, seen: string[], look: () => Promise<string> = async () => ''): Component {
  const note = async (moment: string) => void seen.push(`${moment} ${name} ${await look()}`.trim());
  return { name, start: () => note('start'), stop: () => note('stop') };
}

test('1. starts in order, the server last, and stops in reverse, the connections last', async () => {
  const seen: string[] = [];
  let url = '';
  const { service, pool, consumerPool } = open();
  const look = async () => {
    const { rows } = await pool.query<{ log: boolean; things: number }>(
      `select to_regclass('messaging.log') is not null as log, count(*)::int as things from things`,
    );
    const served = await fetch(`${url}/healthz`).then(
      () => 'served',
      () => 'not served',
    );
    return `log ${String(rows[0]!.log)}, ${served}`;
  };
  const running = service({ components: [witness('first', seen, look), witness('second', seen, look)] });
  ({ url } = await running.start());
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect([pool.ending, consumerPool.ending]).toEqual([false, false]);
  await running.stop();
  expect(seen).toEqual(
    ['start first', 'start second', 'stop second', 'stop first'].map((moment) => `${moment} log true, not served`),
  );
  expect([pool.ended, consumerPool.ended]).toEqual([true, true]);
});

test('1. ends its connections also when the migrations or a part did not start', async () => {
  const failing = open();
  const part: Component = { name: 'part', start: () => Promise.reject(new Error('no')), stop: async () => undefined };
  await expect(failing.service({ components: [part] }).start()).rejects.toThrow('two-words: part did not start');
  writeFileSync(join(migrations, '0002_break_things.sql'), 'create nonsense;');
  const broken = open();
  await expect(broken.service({ components: [] }).start()).rejects.toThrow('two-words: database did not start');
  expect([failing, broken].flatMap(({ pool, consumerPool }) => [pool.ended, consumerPool.ended])).toEqual(
    Array<boolean>(4).fill(true),
  );
});

test('2. leaves a transport that was brought to its owner', async () => {
  const seen: string[] = [];
  const running = open({ transport: witness('transport', seen) as Transport }).service({ components: [] });
  await running.start();
  await running.stop();
  expect(seen).toEqual([]);
});

test('3. appends while every connection of the consumers is held, out of the fewest that may be set', async () => {
  const topic = {
    name: `test-${randomUUID()}.messages`,
    partitions: 6,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    retentionMs: -1,
    messageBytesMax: 1_048_576,
  };
  const log = { databaseUrl: database.url, brokers: [], clientId: 'test', logger, topics: [topic] };
  const transport = openTransport({ kind: 'postgres', ...log });
  await transport.start();

  const { service, consumer, store, pool, consumerPool } = open({ transport }, { DATABASE_POOL_MAX: '4' });
  expect(pool.options.max + consumerPool.options.max).toBe(4);
  const append = (key: string, id: string) => {
    const metadata = { correlationId: id, causationId: id };
    const event = { id, type: 'Counted', version: 1, payload: Buffer.from('{}'), metadata };
    return store.append(`counter-${key}`, [event], 'no_stream');
  };
  const handler = on(counted, async (_tx, { id, data }) => void (await append(data.key, id)));
  const counting = consumer({ group: 'two-words', topic: topic.name, handlers: [handler] });
  await service({ components: [counting] }).start();
  stops.push(() => transport.stop());

  const keys = Array.from({ length: 24 }, (_, n) => `${n}`);
  await transport.publish(keys.map((key) => countedMessage(topic.name, { key })));
  await counting.caughtUp();
  const appended = await Promise.all(keys.map((key) => store.readStream(`counter-${key}`)));
  expect(appended.map((events) => events.length)).toEqual(keys.map(() => 1));

  const held = await Promise.all(Array.from({ length: consumerPool.options.max }, () => consumerPool.connect()));
  await append('held', randomUUID()).finally(() => held.forEach((client) => client.release()));
}, 30_000);

/** A broker that takes what is published and answers when it is released. */
function swallowing() {
  let release!: () => void;
  const swallowed = new Promise<void>((resolve) => (release = resolve));
  const taken: unknown[] = [];
  const transport = {
    name: 'swallows',
    ends: async () => new Map(),
    async publish(messages: readonly unknown[]) {
      taken.push(...messages);
      await swallowed;
      return [];
    },
  } as unknown as Transport;
  return { transport, taken, release };
}

async function appendOne(store: EventStore): Promise<void> {
  const id = randomUUID();
  const metadata = { correlationId: id, causationId: id };
  const event = { id, type: 'Counted', version: 1, payload: Buffer.from('{}'), metadata };
  await store.append(`counter-${id}`, [event], 'no_stream');
}

const telling = { name: 'told', map: ({ id }: StoredEvent) => [countedMessage('tests.counts', { key: id })] };

test('3. appends while the broker swallows what is published, out of the fewest connections that may be set', async () => {
  const { transport, taken, release } = swallowing();
  const { service, relay, store } = open({ transport }, { DATABASE_POOL_MAX: '4' });
  await service({ components: [relay(telling)] }).start();
  await appendOne(store);
  await eventually(() => expect(taken).toHaveLength(1), { timeoutMs: 10_000 });
  await appendOne(store).finally(release);
}, 30_000);

type Told = { readers: { name: string; waitsS: number }[]; oldestWriter: unknown };

test('8. tells holders of the internal token how long what it has recorded waits for each of its readers', async () => {
  const { transport, taken, release } = swallowing();
  const { service, relay, store, pool, projections } = open({ transport });
  const codec = { decode: ({ type }: StoredEvent) => ({ type }) } as unknown as EventCodec<{ type: string }>;
  const models = projections({ codec, name: 'models_v1', projections: [] });
  const { url } = await service({ components: [models, relay(telling)] }).start();
  expect((await askStatus(url, 'another token of 32 characters!')).status).toBe(401);
  const told = async () => ((await (await askStatus(url)).json()) as { value: Told }).value;
  const waits = async () => Object.fromEntries((await told()).readers.map(({ name, waitsS }) => [name, waitsS]));
  expect(await waits()).toEqual({ models_v1: 0, 'relay told': 0 });
  await appendOne(store);
  await eventually(() => expect(taken).toHaveLength(1), { timeoutMs: 10_000 });
  await models.caughtUp();
  const first = await waits();
  expect(first).toEqual({ models_v1: 0, 'relay told': expect.any(Number) });
  await eventually(async () => expect((await waits())['relay told']).toBeGreaterThan(first['relay told']!), {
    timeoutMs: 5_000,
  });
  release();
  await eventually(async () => expect(await waits()).toEqual({ models_v1: 0, 'relay told': 0 }), { timeoutMs: 10_000 });

  const client = await pool.connect();
  await client.query('begin');
  await client.query('insert into things values (1)');
  // Of the whole server: other tests have theirs.
  expect((await told()).oldestWriter).toEqual({
    application: expect.any(String),
    database: expect.any(String),
    ageS: expect.any(Number),
  });
  await client.query('rollback');
  client.release();
}, 30_000);

test('4. is ready while nothing is against it, and says what is', async () => {
  let reason: string | undefined;
  const { url } = await open()
    .service({ components: [], notReady: () => reason })
    .start();
  const tells = async () => (await askStatus(url)).status;
  const readiness = async () => {
    const answer = await fetch(`${url}/readyz`);
    return [answer.status, await answer.json()];
  };
  expect(await readiness()).toEqual([200, { status: 'ready' }]);
  expect(await tells()).toBe(200);
  reason = 'the books are not open';
  expect(await readiness()).toEqual([503, { status: 'not ready', reason }]);
  expect(await tells()).toBe(503);
  reason = undefined;
  await database.drop();
  expect(await readiness()).toEqual([503, { status: 'not ready', reason: 'the database does not answer' }]);
});

test('6. judges time by the clock of the database, whatever the wall clock of its machine does', async () => {
  const { service, pool, now } = open();
  await service({ components: [] }).start();
  const apart = async () => {
    const { rows } = await pool.query<{ at: Date }>('select clock_timestamp() as at');
    return Math.abs(now().getTime() - rows[0]!.at.getTime());
  };
  expect(await apart()).toBeLessThan(10_000);
  const everythingElse = ['setTimeout', 'setInterval', 'setImmediate', 'nextTick', 'performance', 'hrtime'] as const;
  for (const step of [86_400_000, -86_400_000]) {
    jest.useFakeTimers({ now: Date.now() + step, doNotFake: [...everythingElse] });
    expect(Math.abs(Date.now() - now().getTime())).toBeGreaterThan(80_000_000);
    expect(await apart()).toBeLessThan(10_000);
    jest.useRealTimers();
  }
});

test('7. does not start on a log that somebody may change', async () => {
  await open().service({ components: [] }).start();
  const { service, pool } = open();
  await pool.query('grant update on two_words.appends to public');
  await expect(service({ components: [] }).start()).rejects.toMatchObject({
    cause: { name: 'StartRefusal', message: 'the log is not append-only: everyone may update' },
  });
});

test('7. does not start on a log whose places are transactions of another server', async () => {
  await open().service({ components: [] }).start();
  const { service, pool } = open();
  await pool.query(
    `insert into two_words.appends (tx, stream, first_revision, count, ids, types, versions, payloads, metadata)
     values ('9000000000000', 's', 0, 1, array[gen_random_uuid()], array['T'], array[1], array[''::bytea], array['{}'::json])`,
  );
  await expect(service({ components: [] }).start()).rejects.toMatchObject({
    cause: { name: 'StartRefusal', message: expect.stringMatching(/^the log was loaded from another server: /) },
  });
});

test('7. does not start on another log than the one that its readers have read', async () => {
  await open().service({ components: [] }).start();
  const { service, pool } = open();
  await pool.query(
    `insert into two_words.subscriptions (name, version, position) values ('reader', '', 'esdb:12:7:0')`,
  );
  await expect(service({ components: [] }).start()).rejects.toMatchObject({
    cause: { name: 'StartRefusal', message: expect.stringMatching(/^the log has no event at esdb:12:7:0, where its /) },
  });
});

test('is called by its folder, its schema with underscores', async () => {
  const { service, pool } = open();
  const { url } = await service({ components: [] }).start();
  const { rows } = await pool.query('select current_schema() as schema');
  expect(rows).toEqual([{ schema: 'two_words' }]);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('service="two-words"');
});

test('metrics tell for how long a transaction has held back the readers of the log', async () => {
  const { service, pool } = open();
  const { url } = await service({ components: [] }).start();
  const age = async () =>
    Number(/^daybook_oldest_writer_seconds\S* (\S+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
  const client = await pool.connect();
  await client.query('begin');
  await client.query('insert into things values (1)');
  const first = await age();
  expect(first).toBeGreaterThan(0);
  expect(await age()).toBeGreaterThan(first);
  await client.query('rollback');
  client.release();
  await database.drop();
  expect(await age()).toBeNaN();
});
