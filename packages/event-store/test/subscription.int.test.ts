import { OperationalError } from '@daybook/core';
import { eventually, testLogger } from '@daybook/testing';
import type { Pool, PoolClient } from 'pg';
import { createBatches, openBatches } from '../src/batches';
import { advance, claimCheckpoint, moveCheckpoint, openCheckpoint } from '../src/checkpoint';
import { inTransaction, type Tx } from '../src/database';
import { start, type EventStore, type StoredEvent } from '../src/event-store';
import { postgresEventStore } from '../src/postgres-event-store';
import { createSubscription, type Subscription, type SubscriptionOptions } from '../src/subscription';
import { anEvent, someEvents } from './counted-events';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());

/** Effects that fail when an event is applied twice, and that show one that was never applied. */
async function appliedTable(pool: Pool): Promise<void> {
  await pool.query(`create table applied (id uuid primary key, stream text not null, revision bigint not null)`);
}

async function recordApplied(tx: Tx, events: readonly StoredEvent[]): Promise<void> {
  await tx.query(`insert into applied select * from unnest($1::uuid[], $2::text[], $3::bigint[])`, [
    events.map(({ id }) => id),
    events.map(({ stream }) => stream),
    events.map(({ revision }) => revision),
  ]);
}

type Books = { events: string; applied: string; missed: string; counted: string; sameHash: boolean };

/** What the log holds, what the effects hold, and what the subscription says it applied. */
async function booksOf(pool: Pool, name: string): Promise<Books> {
  const { rows } = await pool.query<Books>(
    `select (select count(*) from events) as events,
            (select count(*) from applied) as applied,
            (select count(*) from events where id not in (select id from applied)) as missed,
            applied_count as counted,
            applied_hash = (select coalesce(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)), repeat('0', 128)::bit(128)) from events) as "sameHash"
       from subscriptions where name = $1`,
    [name],
  );
  return rows[0]!;
}

async function expectAllAppliedOnce(pool: Pool, name: string): Promise<void> {
  const books = await booksOf(pool, name);
  const { events } = books;
  expect(books).toEqual({ events, applied: events, missed: '0', counted: events, sameHash: true });
}

type Scene = { pool: Pool; store: EventStore; schema: string; subscription(overrides?: Overrides): Subscription };
type Overrides = Partial<SubscriptionOptions>;

const fatal: unknown[] = [];
const running: { stop(): Promise<void> }[] = [];
beforeEach(() => void fatal.splice(0));
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

async function scene(): Promise<Scene> {
  const { pool, schema } = await databases.fresh();
  await appliedTable(pool);
  const store = postgresEventStore(pool);
  running.push({ stop: () => store.close() });
  return {
    pool,
    store,
    schema,
    subscription(overrides = {}) {
      const { logger } = testLogger();
      const onFatal = (error: unknown) => void fatal.push(error);
      const subscription = createSubscription({
        pool,
        store,
        name: 'sub',
        logger,
        onFatal,
        handle: recordApplied,
        ...overrides,
      });
      running.push(subscription);
      return subscription;
    },
  };
}

describe('completeness', () => {
  test('caughtUp waits for an event behind an older open transaction', async () => {
    const { pool, store, subscription } = await scene();
    let looks = 0;
    const counting: EventStore = { ...store, readAll: (...from) => (looks++, store.readAll(...from)) };
    const reader = subscription({ store: counting });
    await reader.start();
    const slow = await pool.connect();
    await slow.query('begin');
    await insertRaw(slow, 'slow');
    await store.append('fast', [anEvent()], 'no_stream');
    let caughtUp = false;
    const waiting = reader.caughtUp().then(() => (caughtUp = true));
    const before = looks;
    await eventually(() => expect(looks).toBeGreaterThan(before + 5), { timeoutMs: 5_000 });
    expect(caughtUp).toBe(false);
    await slow.query('commit');
    slow.release();
    await waiting;
    await expectAllAppliedOnce(pool, 'sub');
  });

  test('goes on where it stopped, with batches of any size', async () => {
    const { pool, store, subscription } = await scene();
    await store.append('s', someEvents(25), 'no_stream');
    const first = subscription({ batchSize: 4 });
    await first.start();
    await first.caughtUp();
    await first.stop();
    await store.append('s', someEvents(25), 24n);
    const second = subscription({ batchSize: 7 });
    await second.start();
    await second.caughtUp();
    await expectAllAppliedOnce(pool, 'sub');
  });
});

test('a retry does not wait for a wall clock that was set back', async () => {
  const { pool, store, subscription } = await scene();
  const clock = Date.now;
  let failures = 0;
  const reader = subscription({
    async handle(tx, events) {
      if (failures++ > 0) return recordApplied(tx, events);
      // Once the retry has begun to wait.
      setTimeout(() => (Date.now = () => clock() - 86_400_000), 5);
      throw new OperationalError('broker_unavailable', true);
    },
  });
  try {
    await reader.start();
    await store.append('s', [anEvent()], 'no_stream');
    await eventually(() => expectAllAppliedOnce(pool, 'sub'), { timeoutMs: 5_000 });
  } finally {
    Date.now = clock;
  }
});

describe('effects and checkpoint', () => {
  test.each([
    ['the process loses its connection', 'perform pg_terminate_backend(pg_backend_pid());'],
    ['the database fails', `raise exception 'no space left' using errcode = 'disk_full';`],
  ])('commit together: between them, three times, %s', async (_name, crash) => {
    const { pool, store, subscription } = await scene();
    await store.append('s', someEvents(30), 'no_stream');
    // A sequence does not roll back, so that it counts the crashes.
    await pool.query(
      `create sequence moves;
       create function crash() returns trigger language plpgsql as $$
       begin
         if nextval('moves') in (3, 4, 5) then ${crash} end if;
         return new;
       end $$;
       create trigger crash before update on subscriptions for each row execute function crash()`,
    );
    const reader = subscription({ batchSize: 5 });
    await reader.start();
    await reader.caughtUp();
    expect(fatal).toEqual([]);
    await expectAllAppliedOnce(pool, 'sub');
    expect((await pool.query(`select last_value from moves`)).rows).toEqual([{ last_value: '9' }]);
  });

  test('two runners of one name apply each event once, and either goes on alone', async () => {
    const { pool, store, schema, subscription } = await scene();
    const otherPool = databases.database.pool(schema);
    const otherStore = postgresEventStore(otherPool);
    running.push({ stop: () => otherStore.close() });
    const [one, other] = [
      subscription({ batchSize: 3 }),
      subscription({ pool: otherPool, store: otherStore, batchSize: 3 }),
    ];
    await Promise.all([one.start(), other.start()]);
    for (let n = 0; n < 60; n++) await store.append(`s${n}`, someEvents(5), 'no_stream');
    await Promise.all([one.caughtUp(), other.caughtUp()]);
    await one.stop();
    await store.append('last', someEvents(5), 'no_stream');
    await other.caughtUp();
    expect(fatal).toEqual([]);
    await expectAllAppliedOnce(pool, 'sub');
  });

  test('what was read ahead and has been overtaken is forgotten when it has come', async () => {
    const { pool, store } = await scene();
    await store.append('s', someEvents(6), 'no_stream');
    const order: string[] = [];
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const options = { pool, store, name: 'sub', batchSize: 2, handle: async () => undefined };
    const batches = createBatches({
      ...options,
      async prepare([first]) {
        if (first!.revision === 2n) await released;
        order.push(`prepared from ${first!.revision}`);
        return false;
      },
      forget: () => order.push('forgot'),
    });
    const other = createBatches(options);
    const { checkpoint } = await batches.next(await openBatches(options));
    const overtaken = await other.next(checkpoint);
    await other.settled();
    const third = batches.next(overtaken.checkpoint);
    release();
    expect((await third).checkpoint.count).toBe(6n);
    await batches.settled();
    expect(order.slice(0, 5)).toEqual(['prepared from 0', 'forgot', 'prepared from 2', 'forgot', 'prepared from 4']);
  });

  test('a checkpoint moves only from where its runner saw it', async () => {
    const { pool, store } = await scene();
    await store.append('s', someEvents(4), 'no_stream');
    const events = await store.readStream('s');
    const before = await openCheckpoint(pool, 'sub', '');
    const after = advance(before, events);
    expect(await inTransaction(pool, (tx) => moveCheckpoint(tx, 'sub', before, after))).toBe(true);
    expect(await inTransaction(pool, (tx) => moveCheckpoint(tx, 'sub', before, after))).toBe(false);
    expect(await openCheckpoint(pool, 'sub', '')).toEqual({ ...after, version: '' });
  });

  test('one runner at a time holds the claim, and reading it holds back no reader of the log', async () => {
    const { pool, store } = await scene();
    await openCheckpoint(pool, 'sub', '');
    await inTransaction(pool, async (tx) => {
      expect((await claimCheckpoint(tx, 'sub')).claimed).toBe(true);
      await inTransaction(pool, async (second) => expect((await claimCheckpoint(second, 'sub')).claimed).toBe(false));
      await store.append('s', [anEvent()], 'no_stream');
      expect(await store.readAll(start, 10)).toHaveLength(1);
    });
    await inTransaction(pool, async (tx) => expect((await claimCheckpoint(tx, 'sub')).claimed).toBe(true));
  });
});

describe('supervision', () => {
  test('a handler that is wrong ends the runner, rolls back and is reported once', async () => {
    const { pool, store, subscription } = await scene();
    await store.append('s', someEvents(3), 'no_stream');
    const bug = new TypeError('handler is wrong');
    const reader = subscription({
      async handle(tx, events) {
        await recordApplied(tx, events);
        throw bug;
      },
    });
    await reader.start();
    await expect(reader.caughtUp()).rejects.toMatchObject({ code: 'store_unavailable', cause: bug });
    expect(fatal).toEqual([bug]);
    await expect(reader.caughtUp()).rejects.toMatchObject({ code: 'store_unavailable' });
    await reader.stop();
    expect((await booksOf(pool, 'sub')).applied).toBe('0');
  });

  test('stopping finishes the batch in hand and rejects those who wait for later ones', async () => {
    const { pool, store, subscription } = await scene();
    await store.append('s', someEvents(10), 'no_stream');
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    let handling = false;
    const reader = subscription({
      batchSize: 5,
      async handle(tx, events) {
        handling = true;
        await held;
        await recordApplied(tx, events);
      },
    });
    await reader.start();
    const answer = reader.caughtUp().catch((error: unknown) => error);
    await eventually(() => expect(handling).toBe(true), { timeoutMs: 5_000 });
    const stopped = reader.stop();
    release();
    await stopped;
    expect(await answer).toMatchObject({ code: 'store_unavailable' });
    expect(await booksOf(pool, 'sub')).toMatchObject({ applied: '5', counted: '5' });
    await expect(reader.caughtUp()).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('may be stopped before it was started, and started again', async () => {
    const { pool, store, subscription } = await scene();
    const reader = subscription();
    await reader.stop();
    await reader.start();
    await reader.stop();
    await store.append('s', someEvents(3), 'no_stream');
    await reader.start();
    await reader.caughtUp();
    await expectAllAppliedOnce(pool, 'sub');
  });
});

/** An append of one event. */
async function insertRaw(client: PoolClient, stream: string): Promise<void> {
  const { id, type, version, payload, metadata } = anEvent();
  await client.query(
    `insert into appends (stream, first_revision, count, ids, types, versions, payloads, metadata)
     values ($1, 0, 1, array[$2::uuid], array[$3::text], array[$4::integer], array[$5::bytea], array[$6::json])`,
    [stream, id, type, version, payload, JSON.stringify(metadata)],
  );
}
