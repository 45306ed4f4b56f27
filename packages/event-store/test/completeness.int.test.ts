/**
 * No reader of the log skips an event, whatever order transactions commit in: under load, and in every order of two
 * transactions. Readers of the two kinds that do skip some run beside, so that a load which proves nothing is noticed.
 */
import { eventually, testLogger } from '@daybook/testing';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Pool } from 'pg';
import { openDatabase, type Tx } from '../src/database';
import { start, type Position, type StoredEvent } from '../src/event-store';
import { postgresEventStore } from '../src/postgres-event-store';
import { createSubscription } from '../src/subscription';
import { auditSubscriptions } from '../src/subscription-audit';
import { readWhole } from './counted-events';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());

const writers = 20;
const commits = Number(process.env['COMPLETENESS_COMMITS'] ?? 50_000);
const heldMsMax = 6;
const rollbackShare = 0.05;

const takeNumberSql = 'select pg_current_xact_id()';

/** One tiny event. Streams are made of the two numbers. */
const appendSql = (writer: number, n: number) =>
  `insert into appends (stream, first_revision, count, ids, types, versions, payloads, metadata)
   values ('${writer}-${n}', 0, 1, array[gen_random_uuid()], array['Counted'], array[1], array[''::bytea], array['{}'::json])`;

/**
 * The writers share the number of transactions that are to be committed. Each transaction is open for a while, half of
 * them before their append, so that the order of positions is neither that of commits nor that of transactions. Answers
 * with how many were rolled back.
 */
async function write(schema: string): Promise<number> {
  const pool = openDatabase({ url: databases.database.url, schema, poolMax: writers, onError: () => undefined });
  let [committed, rolledBack] = [0, 0];
  const writeOne = async (writer: number) => {
    const client = await pool.connect();
    for (let n = 0; committed < commits; n++) {
      const rollsBack = Math.random() < rollbackShare;
      if (rollsBack) rolledBack++;
      else committed++;
      const append = appendSql(writer, n);
      const end = rollsBack ? 'rollback' : 'commit';
      const appendsLate = Math.random() < 0.5;
      await client.query(`begin; ${appendsLate ? takeNumberSql : append}`);
      await delay(Math.random() * heldMsMax);
      await client.query(appendsLate ? `${append}; ${end}` : end);
    }
    client.release();
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => writeOne(writer)));
  await pool.end();
  return rolledBack;
}

/** A reader whose place is the position alone, as is obvious and wrong. It polls without pause while it finds something. */
function readByPosition(pool: Pool, bound: string) {
  let [last, seen, stopped] = ['0', 0, false];
  const read = async () => {
    while (!stopped) {
      const { rows } = await pool.query<{ position: string }>({
        name: `by position ${bound}`,
        text: `select position from appends where position > $1 and ${bound} order by position limit 500`,
        values: [last],
      });
      seen += rows.length;
      last = rows.at(-1)?.position ?? last;
      await delay(4);
    }
  };
  const reading = read();
  // A run that has failed already ends its connections.
  reading.catch(() => undefined);
  return {
    /** What it has seen when nothing is written any more and it finds nothing more. */
    async end(): Promise<number> {
      let before = -1;
      await eventually(() => expect(before).toBe((before = seen)), { timeoutMs: 10_000 });
      stopped = true;
      await reading;
      return seen;
    },
  };
}

describe('under load', () => {
  async function readers(pool: Pool) {
    const { logger } = testLogger();
    const store = postgresEventStore(pool);
    const fatal: unknown[] = [];
    const onFatal = (error: unknown) => void fatal.push(error);
    await pool.query('create table applied (id uuid primary key)');
    const record = async (tx: Tx, events: readonly StoredEvent[]) => {
      await tx.query('insert into applied select * from unnest($1::uuid[])', [events.map(({ id }) => id)]);
    };
    const subscriptions = [
      createSubscription({ pool, store, name: 'effects', logger, onFatal, handle: record }),
      createSubscription({ pool, store, name: 'count', logger, onFatal, batchSize: 37, handle: async () => undefined }),
    ];
    for (const subscription of subscriptions) await subscription.start();
    return { store, subscriptions, fatal };
  }

  test(
    `20 writers, ${commits} commits, 5 % rollbacks, 0 to 6 ms inside the transaction: no subscriber misses one`,
    async () => {
      const { pool, schema } = await databases.fresh();
      const { store, subscriptions, fatal } = await readers(pool);
      const [naive, bounded] = [
        readByPosition(pool, 'true'),
        readByPosition(pool, 'tx < pg_snapshot_xmin(pg_current_snapshot())'),
      ];
      const rolledBack = await write(schema);
      for (const subscription of subscriptions) await subscription.caughtUp();

      const { rows } = await pool.query(
        `select count(*)::int as events, count(a.id)::int as applied from events e left join applied a using (id)`,
      );
      expect(rows).toEqual([{ events: commits, applied: commits }]);
      const audits = await auditSubscriptions(pool, store);
      expect(audits).toMatchObject(
        ['count', 'effects'].map((name) => ({ name, agrees: true, applied: { count: BigInt(commits) } })),
      );
      expect(fatal).toEqual([]);
      expect(rolledBack).toBeGreaterThan(commits * rollbackShare * 0.5);
      // Otherwise the load is not the one in which readers skip events.
      expect(await naive.end()).toBeLessThan(commits);
      expect(await bounded.end()).toBeLessThan(commits);
      for (const subscription of subscriptions) await subscription.stop();
      await store.close();
    },
    Math.max(180_000, commits * 3),
  );
});

type Step = 'begin' | 'insert' | 'end';

/** Every order of the steps of two transactions. */
function orders(a: readonly Step[], b: readonly Step[]): [who: 0 | 1, step: Step][][] {
  if (a.length === 0 && b.length === 0) return [[]];
  const first = (who: 0 | 1, steps: readonly Step[], rest: [0 | 1, Step][][]) =>
    steps.length === 0 ? [] : rest.map((order): [0 | 1, Step][] => [[who, steps[0]!], ...order]);
  return [
    ...(a.length > 0 ? first(0, a, orders(a.slice(1), b)) : []),
    ...(b.length > 0 ? first(1, b, orders(a, b.slice(1))) : []),
  ];
}

describe('two transactions in every order of their steps, with a read after each', () => {
  const steps: readonly Step[] = ['begin', 'insert', 'end'];
  let connections: Client[];
  beforeAll(async () => {
    connections = [new Client(databases.database.url), new Client(databases.database.url)];
    await Promise.all(connections.map((client) => client.connect()));
  });
  afterAll(() => Promise.all(connections.map((client) => client.end())));

  test.each([
    ['both commit', ['commit', 'commit']],
    ['the first rolls back', ['rollback', 'commit']],
    ['the second rolls back', ['commit', 'rollback']],
  ])('%s', async (_name, ends) => {
    const { pool, schema } = await databases.fresh();
    for (const client of connections) await client.query(`set search_path = ${schema}`);
    const store = postgresEventStore(pool);
    const seen: string[] = [];
    let place: Position = start;
    const read = async () => {
      const events = await store.readAll(place, 100);
      seen.push(...events.map(({ stream }) => stream));
      place = events.at(-1)?.position ?? place;
    };
    const expected: string[] = [];
    for (const [round, order] of orders(steps, steps).entries()) {
      for (const [who, step] of order) {
        const stream = `${round}-${who}`;
        // The transaction has its number from the beginning, whenever it inserts.
        if (step === 'begin') await connections[who]!.query(`begin; ${takeNumberSql}`);
        if (step === 'insert') await connections[who]!.query(appendSql(round, who));
        if (step === 'end') await connections[who]!.query(ends[who]!);
        if (step === 'end' && ends[who] === 'commit') expected.push(stream);
        await read();
      }
    }
    // Whoever else writes in the cluster may hold the last of them back for a moment.
    await eventually(async () => (await read(), expect(seen).toHaveLength(expected.length)), { timeoutMs: 20_000 });
    expect(seen.toSorted()).toEqual(expected.toSorted());
    expect((await readWhole(store)).map(({ stream }) => stream)).toEqual(seen);
  });
});
