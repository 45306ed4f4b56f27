/**
 * A consumer and a relay on a transport that a test drives by hand: each test takes the way of one message, so it says at
 * once, and without a broker, which promise of delivery is broken.
 */
import { OperationalError } from '@daybook/core';
import { eventStoreMigrations, inTransaction, migrate, postgresEventStore, type Tx } from '@daybook/event-store';
import {
  createConsumer,
  createRelay,
  listParked,
  messagingMigrations,
  on,
  type Consumer,
  type ConsumeOptions,
  type OutgoingMessage,
  type RawMessage,
  type Transport,
} from '@daybook/messaging';
import { eventually, testDatabase, testLogger, testMetrics, type TestDatabase } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { counted, message, servicePool, testTopic, upTo } from './harness';

const topic = testTopic();
const { logger } = testLogger();
const metrics = testMetrics();

let database: TestDatabase;
let pool: Pool;
let started: { stop(): Promise<void> }[];
const onFatal = (error: unknown) => {
  throw error;
};

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  started = [];
  const schema = `s${randomUUID().slice(0, 8)}`;
  pool = servicePool(database, schema);
  await migrate(pool, schema, [eventStoreMigrations, messagingMigrations]);
  await pool.query('create table effects (place bigint generated always as identity, key text, n int)');
});
afterEach(async () => {
  await Promise.all(started.map((each) => each.stop()));
  await pool.end();
});

/** `publish` is the test's; what a consumer is given, the test gives it. */
function driven(publish: Transport['publish'] = async () => []) {
  let consuming: ConsumeOptions | undefined;
  const transport: Transport = {
    name: 'driven by hand',
    start: async () => undefined,
    stop: async () => undefined,
    publish,
    async consume(options) {
      consuming = options;
      return { stop: async () => undefined };
    },
    ends: async () => new Map([[0, 1_000n]]),
  };
  return { transport, options: () => consuming! };
}

const record = async (tx: Tx, key: string, n: number) =>
  void (await tx.query('insert into effects (key, n) values ($1, $2)', [key, n]));

async function consumer(handle: typeof record = record) {
  const { transport, options } = driven();
  const handlers = [on(counted, (tx, { data: { key, n } }) => handle(tx, key, n))];
  const deps = { pool, transport, logger, metrics, onFatal, now: () => new Date() };
  const running: Consumer = createConsumer(deps, { group: 'tests.effects', topic: topic.name, handlers });
  await running.start();
  started.push(running);
  return options();
}

/** As it lies on the topic. */
const at = (offset: number, { key, value, headers }: OutgoingMessage): RawMessage => {
  return { topic: topic.name, partition: 0, offset: BigInt(offset), key, value, headers };
};
const counts = (key: string, n: number) => message(topic, key, { key, n });
const unreadable = (key: string): OutgoingMessage => ({ ...counts(key, -1), value: Buffer.from('{') });

async function effects(): Promise<readonly string[]> {
  const { rows } = await pool.query<{ effect: string }>(`select key || n as effect from effects order by place`);
  return rows.map(({ effect }) => effect);
}
const next = async () => {
  const { rows } = await pool.query<{ next_offset: string }>('select next_offset from consumer_offsets');
  return Number(rows[0]?.next_offset ?? 0);
};
/** How many are waiting for a lock of another transaction. */
const waiting = async () => {
  const { rows } = await pool.query<{ waiting: number }>(
    `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.waiting;
};
const away = () => new OperationalError('store_unavailable', true);

describe('a message', () => {
  test('whose effect was undone leaves no place and no claim behind, and is handled when it comes again', async () => {
    let failures = 1;
    const { handle } = await consumer(async (tx, key, n) => {
      await record(tx, key, n);
      if (failures-- > 0) throw away();
    });
    const messages = [at(0, counts('a', 0)), at(1, counts('a', 1))];
    await expect(handle(messages)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect([await effects(), await next()]).toEqual([[], 0]);
    await handle(messages);
    expect([await effects(), await next()]).toEqual([['a0', 'a1'], 2]);
  });

  test('that was published twice has one effect', async () => {
    const { handle } = await consumer();
    const again = counts('a', 0);
    await handle([at(0, again), at(1, again)]);
    await handle([at(2, again), at(3, counts('a', 1))]);
    expect([await effects(), await next()]).toEqual([['a0', 'a1'], 4]);
  });

  test('whose id is in upper case has one effect, and is the same as the one in lower case', async () => {
    const { handle } = await consumer();
    const lower = counts('a', 0);
    const upper = { ...lower, value: Buffer.from(String(lower.value).replace(lower.id, lower.id.toUpperCase())) };
    await handle([at(0, upper)]);
    expect(await effects()).toEqual(['a0']);
    await handle([at(1, lower), at(2, upper)]);
    expect([await effects(), await next()]).toEqual([['a0'], 3]);
  });

  test('that cannot be read is kept, and holds back those of its key and no others', async () => {
    const { handle } = await consumer();
    await handle([at(0, unreadable('a')), at(1, counts('a', 1)), at(2, counts('b', 2))]);
    await handle([at(3, counts('a', 3)), at(4, counts('b', 4))]);
    expect([await effects(), await next()]).toEqual([['b2', 'b4'], 5]);
    expect(await listParked(pool)).toMatchObject([{ key: 'a', messages: 3 }]);
  });

  test('of a log that begins again is kept beside the one that was parked at its offset', async () => {
    const { handle, startAt } = await consumer();
    await handle([at(0, unreadable('a')), at(1, counts('a', 1)), at(2, counts('b', 2))]);
    expect(await listParked(pool)).toMatchObject([{ key: 'a', messages: 2 }]);
    const again = [at(0, unreadable('c')), at(1, counts('c', 1)), at(2, counts('d', 2))];
    await expect(handle(again.slice(2))).rejects.toMatchObject({ code: 'topic_begins_again' });
    expect(await startAt(0)).toBe(0n);
    await handle(again);
    expect([await effects(), await next()]).toEqual([['b2', 'd2'], 3]);
    expect(await listParked(pool)).toMatchObject([
      { key: 'a', messages: 2 },
      { key: 'c', messages: 2 },
    ]);
  });

  test('waits for a database that is away, however often it is tried', async () => {
    let failures = 12;
    const { handle } = await consumer(async (tx, key, n) => {
      if (failures-- > 0) throw away();
      await record(tx, key, n);
    });
    for (let tries = 0; failures > 0; tries++) {
      expect(tries).toBeLessThan(12);
      await expect(handle([at(0, counts('a', 0))])).rejects.toMatchObject({ code: 'store_unavailable' });
    }
    await handle([at(0, counts('a', 0))]);
    expect([await effects(), await listParked(pool)]).toEqual([['a0'], []]);
  });

  test('is not handled before one that is missing in front of it', async () => {
    const { handle } = await consumer();
    await handle([at(0, counts('a', 0))]);
    await expect(handle([at(2, counts('a', 2))])).rejects.toMatchObject({ code: 'messages_missing' });
    await handle([at(1, counts('a', 1)), at(2, counts('a', 2))]);
    expect([await effects(), await next()]).toEqual([['a0', 'a1', 'a2'], 3]);
  });

  test('of a member that lost its partition waits for the one that has it now, and is not handled twice', async () => {
    const { handle } = await consumer();
    await handle([at(0, counts('a', 0))]);
    let late: Promise<void> | undefined;
    await inTransaction(pool, async (tx) => {
      await tx.query('select 1 from consumer_offsets for update');
      late = handle([at(1, counts('a', 1))]);
      await eventually(async () => expect(await waiting()).toBe(1), { timeoutMs: 5_000 });
      await record(tx, 'a', 1);
      await tx.query('update consumer_offsets set next_offset = 2, last_message = null');
    });
    await late;
    expect([await effects(), await next()]).toEqual([['a0', 'a1'], 2]);
  });
});

describe('a relay', () => {
  test('passes over nothing that the broker did not take', async () => {
    const taken: string[] = [];
    let refusals = 2;
    const { transport } = driven(async (messages) => {
      if (refusals-- > 0) throw new OperationalError('broker_unavailable', true);
      taken.push(...messages.map(({ id }) => id));
      return [];
    });
    const store = postgresEventStore(pool);
    started.push({ stop: () => store.close() });
    const ids = upTo(3).map(() => randomUUID());
    const metadata = { correlationId: 'c', causationId: 'c' };
    const events = ids.map((id) => ({ id, type: 'Told', version: 1, payload: Buffer.from('{}'), metadata }));
    await store.append('s', events, 'no_stream');
    const told = ({ id }: { id: string }) => ({
      topic: topic.name,
      key: 's',
      id,
      value: Buffer.from('{}'),
      headers: {},
    });
    const relay = createRelay(
      { pool, store, transport, logger, metrics, onFatal },
      { name: 'test', map: (event) => [told(event)] },
    );
    await relay.start();
    started.push(relay);
    await relay.caughtUp();
    expect(taken).toEqual(ids);
  });
});
