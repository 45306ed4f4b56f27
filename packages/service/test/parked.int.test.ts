import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperationalError } from '@daybook/core';
import { defineCall, defineEvent, parkedCalls } from '@daybook/contracts';
import { callClient, callRoutes, onCall, type CallClient } from '@daybook/http';
import { on, openTransport, type Consumer, type Transport } from '@daybook/messaging';
import { parseConfig, Secret, serviceSettings, type Service } from '@daybook/runtime';
import { openPlatform, type PlatformOptions } from '@daybook/service';
import { eventually, gate, testDatabase, testLogger, type TestDatabase } from '@daybook/testing';
import { z } from 'zod';
import { countedMessage } from './counted';

const token = 'a token of thirty-two characters';
const counted = defineEvent({
  type: 'Counted',
  version: 1,
  topic: 'tests.counts',
  summary: 'A test counted.',
  key: (data) => data.key,
  data: z.object({ key: z.string(), n: z.number() }),
});
const echo = defineCall({
  name: 'counting.echo',
  request: z.strictObject({ said: z.string() }),
  response: z.object({ said: z.string() }),
});
const calls = parkedCalls('counting');
const group = 'counting.tests';
const actor = 'an operator';
const { logger } = testLogger();

let database: TestDatabase;
let migrations: string;
let transport: Transport;
/** One process of the service, and an operator who calls it. */
type Instance = { consumer: Consumer; url: string; operator: CallClient; stop(): Promise<void> };
let instance: Instance;
let instances: Instance[];
let topic: string;
/** What the handler does about each message before it counts it. */
let before: (message: { key: string; n: number }) => Promise<void>;

const broken = async ({ key, n }: { key: string; n: number }) => {
  if (key === 'bad' && n >= 2) throw new Error(`cannot count ${n}`);
};
const fixed = async () => undefined;

beforeEach(async () => {
  database = await testDatabase();
  migrations = mkdtempSync(join(tmpdir(), 'daybook-parked-'));
  const effects = 'create table effects (place bigint generated always as identity, key text, n int);';
  writeFileSync(join(migrations, '0001_create_effects.sql'), effects);
  topic = `test-${randomUUID()}.messages`;
  const declared = { partitions: 3, replicationFactor: 1, minInsyncReplicas: 1, retentionMs: -1 };
  const topics = [{ name: topic, ...declared, messageBytesMax: 1_048_576 }];
  const log = { databaseUrl: database.url, brokers: [], clientId: 'test', logger, topics };
  transport = openTransport({ kind: 'postgres', ...log });
  await transport.start();
  before = broken;
  instances = [];
  instance = await open();
});
afterEach(async () => {
  for (const opened of instances) await opened.stop();
  await transport.stop();
  await database.drop();
  rmSync(migrations, { recursive: true, force: true });
});

async function open(options: Partial<PlatformOptions> = {}, settings: Record<string, string> = {}): Promise<Instance> {
  const env = { DATABASE_URL: database.url, INTERNAL_TOKEN: token, ...settings };
  const config = parseConfig(z.object(serviceSettings), env);
  const platform = openPlatform(config, { name: 'counting', migrations, ...options }, { logger, transport });
  const consumer = platform.consumer({
    group,
    topic,
    handlers: [
      on(counted, async (tx, { data }) => {
        await before(data);
        await tx.query(`insert into effects (key, n) values ($1, $2)`, [data.key, data.n]);
      }),
    ],
  });
  const own = callRoutes([config.INTERNAL_TOKEN], [onCall(echo, async (value) => ({ ok: true, value }))]);
  const running: Service = platform.service({ components: [consumer], routes: (app) => app.use(own) });
  const { url } = await running.start();
  const operator = callClient({ baseUrl: url, token: new Secret(token) });
  const stop = async () => {
    await operator.stop();
    await running.stop();
  };
  const opened = { consumer, url, operator, stop };
  instances.push(opened);
  return opened;
}

const publish = (...messages: (readonly [key: string, n: number])[]) =>
  transport.publish(messages.map(([key, n]) => countedMessage(topic, { key, n })));
const list = (filter: { group?: string; topic?: string; key?: string } = {}, limit = 10) =>
  instance.operator(calls.list, { ...filter, limit });
const redrive = (key = 'bad') => instance.operator(calls.redrive, { group, key, actor });
async function numbersOf(key: string): Promise<number[]> {
  const query = `select n from effects where key = $1 order by place`;
  return (await database.pool('counting').query<{ n: number }>(query, [key])).rows.map(({ n }) => n);
}

/** Parks `bad` from 2 on, with two messages behind it. */
async function parkBad(): Promise<void> {
  await publish(['bad', 1], ['good', 1], ['bad', 2], ['bad', 3], ['good', 2], ['bad', 4]);
  await instance.consumer.caughtUp();
}

test('5. a parked key is listed without what it carries, fixed and redriven in order; later messages follow', async () => {
  await parkBad();
  expect([await numbersOf('good'), await numbersOf('bad')]).toEqual([[1, 2], [1]]);
  const parked = { group, topic, key: 'bad', messages: 3, cause: 'Error: cannot count 2', types: ['Counted'] };
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
  expect(await list()).toEqual({ ok: true, value: { keys: [{ ...parked, firstParkedAt: at }], more: false } });

  before = async (data) => {
    if (data.key === 'bad' && data.n === 3) throw new Error('not 3 either');
  };
  expect(await redrive()).toEqual({
    ok: true,
    value: { handled: 1, stillParked: 2, cause: 'Error: not 3 either' },
  });
  await publish(['bad', 5], ['good', 3]);
  await instance.consumer.caughtUp();
  expect([await numbersOf('good'), await numbersOf('bad')]).toEqual([
    [1, 2, 3],
    [1, 2],
  ]);

  before = fixed;
  expect(await redrive()).toEqual({ ok: true, value: { handled: 3, stillParked: 0, cause: null } });
  await publish(['bad', 6]);
  await instance.consumer.caughtUp();
  expect(await numbersOf('bad')).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await list()).toEqual({ ok: true, value: { keys: [], more: false } });
  expect(await redrive()).toEqual({ ok: false, rejection: 'parked_key_not_found' });
});

test('5. the list is filtered, says when there is more, and shows what cannot be read', async () => {
  before = () => Promise.reject(new Error('no'));
  const unreadable = { ...countedMessage(topic, { key: 'unreadable', n: 1 }), value: Buffer.from('{"id":') };
  await transport.publish([countedMessage(topic, { key: 'one', n: 1 })]);
  await instance.consumer.caughtUp();
  await transport.publish([unreadable]);
  await instance.consumer.caughtUp();
  expect(await list()).toMatchObject({ value: { keys: [{ key: 'one' }, { key: 'unreadable', types: [] }] } });
  expect(await list({}, 1)).toMatchObject({ value: { keys: [{ key: 'one' }], more: true } });
  expect(await list({ key: 'unreadable', group, topic })).toMatchObject({ value: { keys: [{ messages: 1 }] } });
  for (const other of [{ group: 'x' }, { topic: 'x' }, { key: 'x' }]) {
    expect(await list(other)).toMatchObject({ value: { keys: [] } });
  }
});

test('5. operators at once, in one process or two, and consumers beside them, handle each message once and in order', async () => {
  const ns = Array.from({ length: 30 }, (_, n) => n + 1);
  await publish(...ns.map((n) => ['bad', n] as const));
  await instance.consumer.caughtUp();
  const second = await open();
  const arrived = gate();
  const release = gate();
  let inside = 0;
  let insideMax = 0;
  before = async () => {
    inside += 1;
    insideMax = Math.max(insideMax, inside);
    arrived.open();
    await release.opened;
    inside -= 1;
  };
  const redrives = [redrive(), redrive()];
  await arrived.opened;
  redrives.push(second.operator(calls.redrive, { group, key: 'bad', actor }));
  await someoneWaitsForALock();
  const later = Array.from({ length: 10 }, (_, n) => n + 31);
  await publish(...later.map((n) => ['bad', n] as const));
  await second.consumer.caughtUp();
  release.open();
  const [one, same, other] = await Promise.all(redrives);
  expect(same).toEqual(one);
  const handledBy = (outcome: typeof one) => (outcome?.ok ? outcome.value.handled : NaN);
  expect(handledBy(one) + handledBy(other)).toBe(39);
  expect(await numbersOf('bad')).toEqual([...ns, ...later]);
  expect(insideMax).toBe(1);
});

test('5. a message that comes while the last one is redriven waits for it, and is left to the consumer', async () => {
  await publish(['bad', 1], ['bad', 2]);
  await instance.consumer.caughtUp();
  const arrived = gate();
  const release = gate();
  before = async () => {
    arrived.open();
    await release.opened;
  };
  const redriven = redrive();
  await arrived.opened;
  await publish(['bad', 3]);
  await someoneWaitsForALock().finally(release.open);
  expect(await redriven).toEqual({ ok: true, value: { handled: 1, stillParked: 0, cause: null } });
  await instance.consumer.caughtUp();
  expect(await numbersOf('bad')).toEqual([1, 2, 3]);
});

test('5. while the world fails nothing is lost, and the caller is told to come again', async () => {
  await parkBad();
  before = () => Promise.reject(new OperationalError('upstream_unavailable', true));
  await expect(redrive()).rejects.toMatchObject({ code: 'upstream_unavailable' });
  before = fixed;
  expect(await redrive()).toMatchObject({ value: { handled: 3, stillParked: 0 } });
});

test('5. the calls are for holders of the internal token, stand beside those of the service, and not at the edge', async () => {
  expect(await instance.operator(echo, { said: 'hello' })).toEqual({ ok: true, value: { said: 'hello' } });
  const asked = async (at: Instance, authorization: string) => {
    const headers = { authorization, 'content-type': 'application/json' };
    return (await fetch(`${at.url}/calls/${calls.list.name}`, { method: 'POST', headers, body: '{"limit":1}' })).status;
  };
  expect([await asked(instance, 'Bearer another'), await asked(instance, `Bearer ${token}`)]).toEqual([401, 200]);
  // Its own routes ask for the token, so nothing but the missing call tells the two apart.
  expect(await asked(await open({ isEdge: true }), `Bearer ${token}`)).toBe(404);
});

async function someoneWaitsForALock(): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await database.pool('counting').query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(rows[0]?.waiting).toBeGreaterThan(0);
    },
    { timeoutMs: 10_000 },
  );
}

test('whoever asks has one of the tokens; who has not is counted', async () => {
  const also = 'the token that is about to take over here';
  const { url } = await open({}, { INTERNAL_TOKEN_ALSO: also });
  for (const [sent, status] of [
    [token, 200],
    [also, 200],
    ['another token of thirty-two characters', 401],
  ] as const) {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${sent}` };
    const asked = { method: 'POST', headers, body: '{"limit":10}' };
    expect((await fetch(`${url}/calls/${calls.list.name}`, asked)).status).toBe(status);
  }
  const counted = `route="/calls/${calls.list.name}",status="401"`;
  const metrics = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  expect(metrics.find((line) => line.includes(counted) && line.includes('_count'))).toMatch(/ 1$/);
});
