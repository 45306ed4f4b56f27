import { eventually, gate, testLogger } from '@daybook/testing';
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { defineStoredEvents, type StoredEventsOf } from '../src/codec';
import type { EventStore } from '../src/event-store';
import { openDatabase } from '../src/database';
import type { BuildStep } from '../src/generation-build';
import { dumpTable } from '../src/generation-dump';
import { abandonGeneration, dropGeneration, ensureBuilding, generationsOf, switchTo } from '../src/generation-tables';
import { createGenerations, type Generations, type GenerationsOptions } from '../src/generations';
import { postgresEventStore } from '../src/postgres-event-store';
import { defineTable } from '../src/projection-table';
import { auditSubscriptions } from '../src/subscription-audit';
import type { TableProjection } from '../src/table-projections';
import { anEvent } from './counted-events';
import { startProxy } from './cutting-proxy';
import { schemas } from './fixtures';

const codec = defineStoredEvents({
  Added: { version: 1, data: z.object({ account: z.string(), amount: z.int() }) },
  Closed: { version: 1, data: z.object({ account: z.string() }) },
});
type Event = StoredEventsOf<typeof codec>;

const balances = defineTable({
  name: 'balances_v1',
  kind: 'kept',
  columns: {
    account: { type: 'text' },
    balance: { type: 'numeric' },
    closed: { type: 'boolean' },
    note: { type: 'text', nullable: true },
  },
  key: ['account'],
});
const additions = defineTable({
  name: 'additions_v1',
  kind: 'appended',
  columns: {
    stream: { type: 'text' },
    revision: { type: 'bigint' },
    account: { type: 'text' },
    amount: { type: 'integer' },
    event_id: { type: 'uuid' },
    recorded_at: { type: 'timestamptz' },
  },
  key: ['stream', 'revision'],
  indexes: [{ name: 'by_account', on: ['account'] }],
});

const projection: TableProjection<Event> = {
  name: 'balances',
  version: 1,
  tables: [balances, additions],
  keys: ({ account }, _place, wanted) => wanted.row(balances, account),
  handlers: {
    Added({ account, amount }, { stream, revision, id, recordedAt }, rows) {
      const known = rows.get(balances, account);
      if (known === undefined) rows.insert(balances, { account, balance: BigInt(amount), closed: false, note: null });
      else rows.change(balances, account).balance += BigInt(amount);
      const recorded_at = recordedAt.toISOString();
      rows.insert(additions, { stream, revision, account, amount, event_id: id, recorded_at });
    },
    Closed({ account }, _place, rows) {
      rows.change(balances, account).closed = true;
    },
  },
};

let databases: Awaited<ReturnType<typeof schemas>>;
let pool: Pool;
let schema: string;
let store: EventStore;
let fatal: unknown[];
let opened: Generations[];
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());
beforeEach(async () => {
  ({ pool, schema } = await databases.fresh());
  store = postgresEventStore(pool);
  [fatal, opened] = [[], []];
});
afterEach(async () => {
  await Promise.all(opened.map((generations) => generations.stop()));
  await store.close();
  expect(fatal).toEqual([]);
});

function create(
  options: Partial<GenerationsOptions<Event>> = {},
  projections: readonly TableProjection<Event>[] = [projection],
): Generations {
  const generations = createGenerations({
    pool,
    store,
    codec,
    schema,
    projections,
    batchSize: 7,
    buildBatchSize: 5,
    logger: testLogger().logger,
    onFatal: (error) => void fatal.push(error),
    buildPool: databases.database.pool(schema),
    ...options,
  });
  opened.push(generations);
  return generations;
}

async function open(...how: Parameters<typeof create>): Promise<Generations> {
  const generations = create(...how);
  await generations.start();
  return generations;
}

/** A process of the next build, once its tables are shown. */
async function openNext(
  next: TableProjection<Event> = { ...projection, version: 2 },
  options: Partial<GenerationsOptions<Event>> = {},
): Promise<Generations> {
  const { logger, lines } = testLogger();
  const generations = await open({ ...options, logger }, [next]);
  const live = expect.objectContaining({ msg: 'the read models of this build are live' }) as unknown;
  await eventually(() => expect(lines).toContainEqual(live), within);
  return generations;
}

let streams = 0;
/** An append of so many additions over a few accounts. */
const add = async (count: number) =>
  store.append(
    `s${streams++}`,
    Array.from({ length: count }, (_, n) => ({
      ...anEvent(),
      ...codec.encode({ type: 'Added', account: `a${n % 5}`, amount: n + 1 }),
    })),
    'no_stream',
  );

async function dump(of: string): Promise<unknown> {
  const { rows } = await pool.query(
    `select (select json_agg(b::text order by account) from ${of}.balances_v1 b) as balances,
            (select json_agg(a::text order by stream, revision) from ${of}.additions_v1 a) as additions`,
  );
  return rows;
}

const states = async () => (await generationsOf(pool)).map(({ number, state }) => `${number} ${state}`);
const within = { timeoutMs: 5_000 };
const expectStates = (...expected: string[]) =>
  eventually(async () => expect(await states()).toEqual(expected), { timeoutMs: 15_000 });
const whole = { signal: new AbortController().signal, switch: 'when equal' } as const;

test('a rebuild gives the same tables, byte for byte and twice, and the old ones are dropped', async () => {
  const generations = await open({ keepOldMs: 0 });
  for (const count of [3, 20, 1, 12]) await add(count);
  await generations.caughtUp();
  const first = await dump(`${schema}_g1`);
  for (const number of [2, 3]) {
    const report = await generations.rebuild(whole);
    expect(report).toMatchObject({ generation: number, replaces: number - 1, events: 36n, switched: true });
    expect(report.compared.map(({ table, rebuilt, equal }) => [table, rebuilt.rows, equal])).toEqual([
      ['balances_v1', 5, true],
      ['additions_v1', 36, true],
    ]);
    expect(await dump(`${schema}_g${number}`)).toEqual(first);
    expect(await dump(schema)).toEqual(first);
  }
  await add(4);
  await generations.caughtUp();
  expect((await pool.query('select count(*)::int from additions_v1')).rows).toEqual([{ count: 40 }]);
  expect((await auditSubscriptions(pool, store)).every(({ agrees }) => agrees)).toBe(true);
  await generations.stop();
  await generations.start();
  await eventually(async () => expect(await states()).toEqual(['1 dropped', '2 dropped', '3 live']), within);
});

test('tables that others read have no statistics of text that is in no index, also those of an earlier build', async () => {
  const notes = defineTable({
    name: 'notes_v1',
    kind: 'appended',
    columns: {
      stream: { type: 'text' },
      revision: { type: 'bigint' },
      author: { type: 'text' },
      note: { type: 'text' },
      more: { type: 'jsonb' },
    },
    key: ['stream', 'revision'],
    indexes: [{ name: 'by_author', on: ['author'] }],
    readers: 'true',
  });
  const noting: TableProjection<Event> = {
    name: 'notes',
    version: 1,
    tables: [notes],
    handlers: {
      Added({ account: author }, { stream, revision }, rows) {
        rows.insert(notes, { stream, revision, author, note: author, more: JSON.stringify({ author }) });
      },
    },
  };
  const live = `${schema}_g1`;
  const analyze = () => pool.query(`analyze ${live}.notes_v1, ${live}.balances_v1`);
  const gathered = async (table: string) => {
    const of = `select attname::text as name from pg_stats where schemaname = $1 and tablename = $2 order by 1`;
    return (await pool.query<{ name: string }>(of, [live, table])).rows.map(({ name }) => name);
  };
  const start = () => open({}, [projection, noting]);
  const first = await start();
  await add(20);
  await first.caughtUp();
  await analyze();
  const kept = ['author', 'revision', 'stream'];
  expect(await gathered('notes_v1')).toEqual(kept);
  expect(await gathered('balances_v1')).toContain('note');
  await first.stop();
  await pool.query(
    `alter table ${live}.notes_v1 alter column note set statistics default, alter column more set statistics default`,
  );
  await analyze();
  expect(await gathered('notes_v1')).toEqual(['author', 'more', 'note', 'revision', 'stream']);
  for (const again of [await start(), await start()]) {
    expect(await gathered('notes_v1')).toEqual(kept);
    await again.stop();
  }
  await analyze();
  expect(await gathered('notes_v1')).toEqual(kept);
});

test('a dump in steps counts every row once, and tells any change of a byte', async () => {
  const generations = await open();
  for (const count of [30, 5, 8]) await add(count);
  await generations.caughtUp();
  const dumped = async (rowsPerStep: number) => {
    const client = await pool.connect();
    try {
      return await dumpTable(client, schema, additions, { rowsPerStep });
    } finally {
      client.release();
    }
  };
  const [few, many] = [await dumped(4), await dumped(100)];
  expect([few.rows, many.rows]).toEqual([43, 43]);
  await pool.query(`update additions_v1 set amount = amount + 1 where revision = 29`);
  expect(await dumped(4)).toMatchObject({ rows: 43, hash: expect.not.stringMatching(few.hash) as string });
});

test('under writes, reads are never empty, never mixed and never go back', async () => {
  const [one, other] = [await open(), await open()];
  await add(50);
  await one.caughtUp();
  let done = false;
  const writing = (async () => {
    while (!done) {
      await add(1 + Math.floor(Math.random() * 3));
      // What was answered is seen, in whichever process.
      const { rows: before } = await pool.query<{ n: string }>('select sum(count) as n from appends');
      await other.caughtUp();
      const { rows } = await pool.query<{ n: string }>('select count(*) as n from additions_v1');
      expect(Number(rows[0]!.n)).toBeGreaterThanOrEqual(Number(before[0]!.n));
    }
  })();
  let last = 0;
  let reads = 0;
  const reading = (async () => {
    while (!done) {
      const { rows } = await pool.query<{ balances: string; additions: string }>(
        `select (select sum(balance) from balances_v1) as balances, (select sum(amount) from additions_v1) as additions`,
      );
      expect(rows[0]!.balances).toBe(rows[0]!.additions);
      expect(Number(rows[0]!.additions)).toBeGreaterThanOrEqual(last);
      last = Number(rows[0]!.additions);
      reads++;
    }
  })();
  for (const number of [2, 3]) {
    const report = await one.rebuild(whole);
    expect(report).toMatchObject({ generation: number, switched: true });
    expect(report.compared.every(({ equal }) => equal)).toBe(true);
  }
  done = true;
  await Promise.all([writing, reading]);
  expect(reads).toBeGreaterThan(10);
  await one.caughtUp();
  expect((await auditSubscriptions(pool, store)).every(({ agrees }) => agrees)).toBe(true);
});

test('a build that was killed midway goes on where it stood; a cancelled one is dropped', async () => {
  const generations = await open();
  await add(40);
  await generations.caughtUp();
  const killed = new Error('killed');
  let batches = 0;
  const observe = () => {
    if (++batches === 3) throw killed;
  };
  await expect(generations.rebuild({ ...whole, observe })).rejects.toBe(killed);
  // Half of it is not shown, even if somebody wanted that.
  const next = (await generationsOf(pool)).find(({ state }) => state === 'building')!;
  const half = { store, next, level: async () => undefined };
  expect(await switchTo(pool, { schema, projections: [projection] }, half)).toBe(false);
  expect(await states()).toEqual(['1 live', '2 building']);
  await generations.stop();
  await add(3);
  const again = await open();
  await again.caughtUp();
  let applied = 0;
  const report = await again.rebuild({ ...whole, observe: (events) => void (applied += events.length) });
  expect(report).toMatchObject({ generation: 2, events: 43n, switched: true });
  expect(applied).toBe(43 - 15);

  const cancel = new AbortController();
  await expect(
    again.rebuild({ ...whole, signal: cancel.signal, observe: () => cancel.abort(), keepWhenAborted: () => false }),
  ).rejects.toMatchObject({ name: 'AbortError' });
  expect(await states()).toEqual(['1 old', '2 live', '3 dropped']);
  expect((await pool.query(`select from pg_namespace where nspname = $1`, [`${schema}_g3`])).rowCount).toBe(0);
});

test('a build that is cancelled while it copies ahead is dropped with its tables', async () => {
  const generations = await open({ buildBatchSize: 600 });
  await add(2_400);
  await generations.caughtUp();
  const cancel = new AbortController();
  let batches = 0;
  const observe = () => {
    batches += 1;
    if (batches === 2) cancel.abort();
  };
  await expect(
    generations.rebuild({ ...whole, signal: cancel.signal, observe, keepWhenAborted: () => false }),
  ).rejects.toMatchObject({ name: 'AbortError' });
  expect(await states()).toEqual(['1 live', '2 dropped']);
});

test('tables that differ are told and kept, unless what was built is wanted; a dry run keeps nothing', async () => {
  const generations = await open();
  await add(9);
  await generations.caughtUp();
  await pool.query(`update balances_v1 set balance = balance + 1 where account = 'a1'`);
  const spoilt = await dump(schema);
  for (const how of ['when equal', 'never'] as const) {
    const report = await generations.rebuild({ ...whole, switch: how });
    expect(report).toMatchObject({ switched: false });
    expect(report.compared.map(({ equal }) => equal)).toEqual([false, true]);
    expect(await dump(schema)).toEqual(spoilt);
  }
  expect(await states()).toEqual(['1 live', '2 dropped', '3 dropped']);
  expect(await generations.rebuild({ ...whole, switch: 'always' })).toMatchObject({ generation: 4, switched: true });
  expect((await pool.query(`select balance from balances_v1 where account = 'a1'`)).rows).toEqual([{ balance: '9' }]);
});

test('another version is built beside the one that serves, and shown by all processes at once', async () => {
  const old = await open();
  await add(20);
  await old.caughtUp();
  const { note: _, ...fewer } = balances.columns;
  const slim = defineTable({ ...balances, columns: fewer, key: ['account'] });
  const next: TableProjection<Event> = {
    ...projection,
    version: 2,
    tables: [slim, additions],
    keys: ({ account }, _place, wanted) => wanted.row(slim, account),
    handlers: {
      Added({ account, amount }, _place, rows) {
        if (rows.get(slim, account)) rows.change(slim, account).balance += BigInt(amount) * 10n;
        else rows.insert(slim, { account, balance: BigInt(amount) * 10n, closed: false });
      },
    },
  };
  const updated = await open({}, [next]);
  await updated.caughtUp();
  await eventually(async () => expect(await states()).toEqual(['1 old', '2 live']), within);
  const balance = async () => (await pool.query(`select * from balances_v1 where account = 'a0'`)).rows;
  expect(await balance()).toEqual([{ account: 'a0', balance: '340', closed: false }]);
  await add(1);
  await updated.caughtUp();
  expect(await balance()).toMatchObject([{ balance: '350' }]);
  await add(1);
  // The process of the old build cannot move these tables; it waits for whoever can.
  await old.caughtUp();
  expect(await balance()).toMatchObject([{ balance: '360' }]);
});

test('new tables that could not be followed at first are followed a moment later', async () => {
  const { logger, lines } = testLogger();
  const generations = await open({ logger });
  await add(3);
  await generations.caughtUp();
  // Whoever is the first to follow tables that were built is refused.
  await pool.query(`create sequence openings;
    create function refuse() returns trigger language plpgsql as $$ begin
      if exists (select from projection_generations where checkpoint = new.name and state = 'live')
         and nextval('openings') = 1 then raise exception 'not now' using errcode = '40001'; end if;
      return new;
    end $$;
    create trigger refuse before insert on subscriptions for each row execute function refuse()`);
  expect(await generations.rebuild(whole)).toMatchObject({ switched: true });
  await add(2);
  await generations.caughtUp();
  expect((await pool.query('select count(*)::int from additions_v1')).rows).toEqual([{ count: 5 }]);
  const told = { level: 'warn', msg: 'following the live read models will be tried again' };
  expect(lines).toContainEqual(expect.objectContaining(told));
});

test('a table that a release takes away goes with its generation; one that cannot go holds up no other', async () => {
  const old = await open();
  await add(3);
  await old.caughtUp();
  await pool.query(`create schema ${schema}_others`);
  await pool.query(`create view ${schema}_others.mine as select * from ${schema}_g1.balances_v1`);
  await old.rebuild(whole);
  await pool.query(`create view ${schema}.totals as select sum(amount) from ${schema}.additions_v1`);
  const next: TableProjection<Event> = { ...projection, version: 2, tables: [balances], handlers: {} };
  const updated = await openNext(next);
  expect(await states()).toEqual(['1 old', '2 old', '3 live']);
  await updated.stop();
  await open({ keepOldMs: 0 }, [next]);
  await eventually(async () => expect(await states()).toEqual(['1 old', '2 dropped', '3 live']), within);
  const { rows } = await pool.query<{ name: string }>(
    `select viewname as name from pg_views where schemaname in ('${schema}', '${schema}_others') order by 1`,
  );
  expect(rows.map(({ name }) => name)).toEqual(['balances_v1', 'events', 'mine']);
});

test('what can be compared with nothing is not equal', async () => {
  const generations = await open({}, [{ ...projection, tables: [], handlers: {} }]);
  await expect(generations.rebuild(whole)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
  expect(await states()).toEqual(['1 live', '2 building']);
});

test('a process that cannot move the live tables looks on through every further switch', async () => {
  const old = await open();
  const updated = await openNext();
  const seen = async () => {
    await add(1);
    await old.caughtUp();
    return (await pool.query<{ count: number }>('select count(*)::int from additions_v1')).rows[0]?.count;
  };
  expect(await seen()).toBe(1);
  await updated.rebuild(whole);
  expect(await seen()).toBe(2);
  await updated.rebuild(whole);
  await dropGeneration(pool, { schema }, 3);
  expect(await seen()).toBe(3);
});

describe('what was lost of the live generation is made again', () => {
  /** Two views upon those of the tables, as a service has them. */
  const withViews = () => {
    const view = (name: string, select: string) => ({
      name,
      statements: [`create or replace view ${schema}.${name} as ${select}`],
    });
    const further = [
      view('totals', `select sum(amount) from ${schema}.additions_v1`),
      view('closed', `select account from ${schema}.balances_v1 where closed`),
    ];
    return { views: { hash: 'one', further } };
  };
  const views = async () => {
    const { rows } = await pool.query<{ name: string }>(
      `select viewname as name from pg_views where schemaname = $1 and viewname <> 'events' order by 1`,
      [schema],
    );
    return rows.map(({ name }) => name);
  };
  const allViews = ['additions_v1', 'balances_v1', 'closed', 'totals'];
  const retried = expect.objectContaining({ level: 'warn', msg: 'subscription will retry' }) as unknown;
  const losses: [string, string, string[]][] = [
    ['a table of rows that change', 'drop table $g.balances_v1 cascade', ['balances_v1']],
    ['a table of rows that are appended', 'drop table $g.additions_v1 cascade', ['additions_v1']],
    ['all tables', 'drop table $g.balances_v1, $g.additions_v1 cascade', ['balances_v1', 'additions_v1']],
    ['the schema', 'drop schema $g cascade', ['balances_v1', 'additions_v1']],
  ];

  test.each(losses)('%s, by a replay that accepts the difference, also after a start', async (_, loss, lost) => {
    const { logger, lines } = testLogger();
    const [generations, other] = [await open({ ...withViews(), logger }), await open(withViews())];
    await add(12);
    await generations.caughtUp();
    const before = await dump(schema);
    await pool.query(loss.replaceAll('$g', `${schema}_g1`));
    const left = await views();
    await add(1);
    // Whoever follows it goes on trying, so that the process is there to replay.
    await eventually(() => expect(lines).toContainEqual(retried), within);
    await generations.stop();
    await generations.start();
    expect(await views()).toEqual(left);
    for (const how of ['when equal', 'never'] as const) {
      const report = await generations.rebuild({ ...whole, switch: how });
      expect(report).toMatchObject({ switched: false });
      expect(report.compared.filter(({ live }) => live === null).map(({ table }) => table)).toEqual(lost);
      expect(report.compared.every(({ table, equal }) => equal !== lost.includes(table))).toBe(true);
    }
    expect(await generations.rebuild({ ...whole, switch: 'always' })).toMatchObject({ generation: 4, switched: true });
    expect(await views()).toEqual(allViews);
    await Promise.all([generations.caughtUp(), other.caughtUp()]);
    expect(await dump(schema)).toEqual(await dump(`${schema}_g4`));
    expect(await dump(schema)).not.toEqual(before);
    expect((await pool.query('select count(*)::int from additions_v1')).rows).toEqual([{ count: 13 }]);
    expect((await auditSubscriptions(pool, store)).every(({ agrees }) => agrees)).toBe(true);
    expect(await generations.rebuild(whole)).toMatchObject({ generation: 5, switched: true });
  });

  test('a table that a backlog of many rows is for', async () => {
    const { logger, lines } = testLogger();
    const generations = await open({ batchSize: 700, logger });
    await pool.query(`drop schema ${schema}_g1 cascade`);
    await add(2_000);
    await eventually(() => expect(lines).toContainEqual(retried), within);
    expect(await generations.rebuild({ ...whole, switch: 'always' })).toMatchObject({ switched: true, events: 0n });
    await generations.caughtUp();
    expect((await pool.query('select count(*)::int from additions_v1')).rows).toEqual([{ count: 2_000 }]);
  });

  test('an empty table that is lost is a difference, too', async () => {
    const generations = await open();
    await pool.query(`drop table ${schema}_g1.additions_v1 cascade`);
    const report = await generations.rebuild(whole);
    expect(report.compared.map(({ equal }) => equal)).toEqual([true, false]);
    expect(report.switched).toBe(false);
  });

  test('a table, also when the replay is interrupted past where the live generation stands still', async () => {
    const generations = await open();
    await add(3);
    await generations.caughtUp();
    await pool.query(`drop table ${schema}_g1.additions_v1 cascade`);
    await add(1);
    const killed = new Error('killed');
    let phase: BuildStep['phase'] | undefined;
    const observe = () => {
      if (phase === 'switching') throw killed;
    };
    const progress = (step: BuildStep) => void (phase = step.phase);
    await expect(generations.rebuild({ ...whole, switch: 'always', observe, progress })).rejects.toBe(killed);
    expect(await states()).toEqual(['1 live', '2 building']);
    const report = await generations.rebuild(whole);
    expect(report).toMatchObject({ switched: false, events: 4n });
    expect(report.compared).toMatchObject([{ table: 'additions_v1', live: null, rebuilt: { rows: 4 }, equal: false }]);
    expect(await generations.rebuild({ ...whole, switch: 'always' })).toMatchObject({ generation: 3, switched: true });
  }, 30_000);

  test('tables of a build that was interrupted, by the next build', async () => {
    const generations = await open();
    await add(3);
    await generations.caughtUp();
    await ensureBuilding(pool, { schema, projections: [projection] });
    await pool.query(`drop table ${schema}_g2.additions_v1`);
    expect(await generations.rebuild(whole)).toMatchObject({ generation: 3, switched: true });
    expect(await states()).toEqual(['1 old', '2 old', '3 live']);
    // Nobody has read it, so that it is not kept.
    await open();
    await expectStates('1 old', '2 dropped', '3 live');
  });

  test('views, at a start and at a switch; those that are there stay, with what others built upon them', async () => {
    const generations = await open(withViews());
    await add(3);
    await generations.caughtUp();
    await pool.query(`create schema ${schema}_upon`);
    await pool.query(`create view ${schema}_upon.mine as select * from ${schema}.closed`);
    for (const view of ['totals', 'additions_v1']) {
      await generations.stop();
      await pool.query(`drop view ${schema}.${view} cascade`);
      await generations.start();
      expect(await views()).toEqual(allViews);
    }
    await pool.query(`drop view ${schema}.totals`);
    expect(await generations.rebuild(whole)).toMatchObject({ switched: true });
    expect(await views()).toEqual(allViews);
    expect((await pool.query(`select * from ${schema}.totals`)).rows).toEqual([{ sum: '6' }]);
    expect((await pool.query(`select from ${schema}_upon.mine`)).rowCount).toBe(0);
  });

  test('what else a runner fails of ends it', async () => {
    const generations = await open();
    await pool.query(`alter table ${schema}_g1.additions_v1 drop column amount cascade`);
    await add(1);
    await eventually(() => expect(fatal).toMatchObject([{ code: '42703' }]), within);
    await generations.stop();
    fatal = [];
  });
});

describe('while nobody answers which generation is live', () => {
  /** A process's pool. Once `hold` was called, the question waits until `answered` opens. */
  function poolThatHolds() {
    const [looked, answered] = [gate(), gate()];
    let isHeld = false;
    const held = databases.database.pool(schema);
    const query = held.query.bind(held) as unknown as (...asked: unknown[]) => Promise<unknown>;
    held.query = (async (...asked: unknown[]) => {
      if (isHeld && String(asked[0]).includes('from projection_generations order by')) {
        looked.open();
        await answered.opened;
      }
      return query(...asked);
    }) as Pool['query'];
    return { held, hold: () => void (isHeld = true), looked: looked.opened, answer: answered.open };
  }

  test('reads wait for what was appended, and for nothing else', async () => {
    const { held, hold, looked, answer } = poolThatHolds();
    hold();
    const generations = await open({ pool: held });
    await looked;
    await add(3);
    await generations.caughtUp();
    expect((await pool.query('select count(*)::int from additions_v1')).rows).toEqual([{ count: 3 }]);
    answer();
  });

  test('reads are refused for as long as another one cannot be followed', async () => {
    const { held, hold, looked, answer } = poolThatHolds();
    const [generations, other] = [await open({ pool: held, followMaxMs: 50 }), await open()];
    hold();
    expect(await other.rebuild(whole)).toMatchObject({ switched: true });
    await add(1);
    await looked;
    await expect(generations.caughtUp()).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    answer();
    await eventually(() => generations.caughtUp(), within);
  });
});

describe('views of another release', () => {
  const totals = (select: string, comment: string) => ({
    views: {
      hash: `${comment}: ${select}`,
      further: [
        {
          name: 'totals',
          statements: [
            `create or replace view ${schema}.totals with (security_invoker = true) as
             select ${select} from ${schema}.additions_v1 group by account`,
            `comment on view ${schema}.totals is '${comment}'`,
          ],
        },
      ],
    },
  });
  /** A release with three additions, and what others have built upon its view. */
  async function released() {
    const generations = await open(totals('account, sum(amount) as total', 'first'));
    await add(3);
    await generations.caughtUp();
    await pool.query(`create schema ${schema}_upon; create view ${schema}_upon.mine as select * from ${schema}.totals`);
    return generations;
  }
  const shown = async () =>
    (
      await pool.query(
        `select obj_description(oid) as comment, reloptions,
                (select json_agg(to_jsonb(totals) order by total) from ${schema}.totals) as rows
           from pg_class where oid = '${schema}.totals'::regclass`,
      )
    ).rows as unknown[];
  const invoker = ['security_invoker=true'];
  const row = (account: string, total: number) => ({ account, total, count: 1 });

  test('with another comment, or columns behind the last, are replaced under what others have built upon them', async () => {
    const before = await released();
    await before.stop();
    const select = 'account, sum(amount) as total, count(*)';
    const after = await open(totals(select, 'second'));
    const rows = [row('a0', 1), row('a1', 2), row('a2', 3)];
    expect(await shown()).toEqual([{ comment: 'second', reloptions: invoker, rows }]);
    await after.stop();
    await openNext({ ...projection, version: 2 }, totals(select, 'third'));
    expect(await shown()).toEqual([{ comment: 'third', reloptions: invoker, rows }]);
    expect((await pool.query(`select total from ${schema}_upon.mine where account = 'a2'`)).rows).toEqual([
      { total: '3' },
    ]);
  });

  test('that have lost a column are made anew; what others have built upon them is named, and refuses the start', async () => {
    const before = await released();
    await before.stop();
    await pool.query(`create view ${schema}_upon.more as select * from ${schema}_upon.mine`);
    const after = create(totals('sum(amount) as total', 'second'));
    const refusal = (await after.start().catch((error: unknown) => error)) as Error;
    expect(refusal).toMatchObject({
      name: 'StartRefusal',
      message: expect.stringMatching(`^the view ${schema}.totals `),
    });
    for (const view of ['mine', 'more'])
      expect(refusal.message).toContain(`view ${schema}_upon.${view} depends on view`);
    expect(refusal.message).not.toContain('\n');
    expect((await pool.query(`select from ${schema}_upon.more`)).rowCount).toBe(3);
    await pool.query(`drop schema ${schema}_upon cascade`);
    await after.start();
    expect(await shown()).toMatchObject([{ comment: 'second', reloptions: invoker }]);
    expect((await pool.query(`select * from ${schema}.totals order by 1`)).rows).toEqual([
      { total: '1' },
      { total: '2' },
      { total: '3' },
    ]);
  });
});

describe('beside a process of another build', () => {
  const waits = expect.objectContaining({ msg: 'the read models of another build stay live' }) as unknown;
  /** Of the build before, beside one whose tables took the place of its own. */
  async function replaced() {
    const { logger, lines } = testLogger();
    const old = await open({ logger });
    await add(2);
    const updated = await openNext();
    // The next event tells.
    await add(1);
    await old.caughtUp();
    await eventually(() => expect(lines).toContainEqual(waits), within);
    return { old, updated };
  }

  test('the tables of the newer build stay live, also when the other starts again or is asked for a replay', async () => {
    const { old, updated } = await replaced();
    const { logger, lines } = testLogger();
    await old.stop();
    const again = await open({ logger });
    await eventually(() => expect(lines).toContainEqual(waits), within);
    const refused = again.rebuild({ ...whole, switch: 'always' });
    await expect(refused).rejects.toMatchObject({ code: 'store_unavailable', retryable: false });
    await expect(refused).rejects.toThrow('generation 2 of another build is live (balances@2)');
    expect(await states()).toEqual(['1 old', '2 live']);
    expect(await again.rebuild({ ...whole, switch: 'never' })).toMatchObject({ switched: false });
    await add(1);
    await again.caughtUp();
    // Only a process that runs may find that nobody of the other is left.
    await again.stop();
    await updated.stop();
    await expect(create().rebuild(whole)).rejects.toMatchObject({ code: 'store_unavailable', retryable: false });
  });

  test('whichever build is left alone is shown, without a restart', async () => {
    const { old, updated } = await replaced();
    await updated.stop();
    await expectStates('1 old', '2 old', '3 live');
    await add(1);
    await old.caughtUp();
    await updated.start();
    await old.stop();
    await expectStates('1 old', '2 old', '3 old', '4 live');
    await add(1);
    await updated.caughtUp();
    expect((await pool.query('select count(*)::int from additions_v1')).rows).toEqual([{ count: 5 }]);
  });

  test('a process that comes back before the other build has switched stays live', async () => {
    const { old, updated } = await replaced();
    await old.stop();
    const plan = { schema, projections: [projection] };
    const next = await ensureBuilding(pool, plan);
    const level = async () => undefined;
    const taken = switchTo(pool, plan, { store, next, level, succeeds: true });
    await expect(taken).rejects.toMatchObject({ code: 'store_unavailable', retryable: false });
    await updated.stop();
    expect(await states()).toEqual(['1 old', '2 live', '3 building']);
  });

  test('a process looks on although nothing is appended that would tell it', async () => {
    const { logger, lines } = testLogger();
    await open({ logger });
    await openNext();
    await eventually(() => expect(lines).toContainEqual(waits), { timeoutMs: 10_000 });
  });

  test('a process whose connection is lost is seen again', async () => {
    await replaced();
    const present = () => holdersOf('projection followers of balances@2');
    const [pid] = await present();
    await terminate(await present());
    await eventually(async () => {
      const found = await present();
      expect(found).toEqual([expect.not.objectContaining({ pid })]);
    }, within);
    expect(await states()).toEqual(['1 old', '2 live']);
  });
});

type Backend = { readonly pid: number };

async function holdersOf(lock: string): Promise<readonly Backend[]> {
  const { rows } = await pool.query<Backend>(
    `select pid from pg_locks join pg_database d on d.oid = database
     where locktype = 'advisory' and granted and d.datname = current_database()
       and (classid::bigint << 32) | objid::bigint = hashtextextended($1 || ' ' || current_schema(), 0)`,
    [lock],
  );
  return rows;
}

async function terminate(backends: readonly Backend[]): Promise<void> {
  for (const { pid } of backends) await pool.query('select pg_terminate_backend($1)', [pid]);
}

describe('while somebody reads the tables, as a dump does', () => {
  const inUse = { code: 'store_unavailable', retryable: true, cause: { code: '55P03' } };
  const later = expect.objectContaining({ level: 'info', msg: 'old read models will be dropped later' }) as unknown;
  let readers: PoolClient[];
  beforeEach(() => {
    readers = [];
  });
  const end = async () => {
    for (const reader of readers.splice(0)) {
      await reader.query('rollback');
      reader.release();
    }
  };
  afterEach(end);
  /** Until `end`. */
  const read = async (relation: string) => {
    const reader = await pool.connect();
    readers.push(reader);
    await reader.query('begin');
    await reader.query(`lock table ${relation} in access share mode`);
  };

  test('they are not dropped, and nobody goes on waiting for them', async () => {
    const generations = await open();
    await add(3);
    await generations.rebuild(whole);
    await read(`${schema}_g1.balances_v1`);
    await expect(dropGeneration(pool, { schema }, 1)).rejects.toMatchObject(inUse);
    const { rows } = await pool.query(
      `select from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()`,
    );
    expect(rows).toEqual([]);
    expect(await states()).toEqual(['1 old', '2 live']);
    await end();
    await dropGeneration(pool, { schema }, 1);
    expect(await states()).toEqual(['1 dropped', '2 live']);
  });

  test('a sweep says that it is for later, and one that comes later drops them', async () => {
    const { logger, lines } = testLogger();
    const generations = await open({ keepOldMs: 0, logger });
    await add(3);
    await generations.rebuild(whole);
    await generations.stop();
    await read(`${schema}_g1.balances_v1`);
    await generations.start();
    await eventually(() => expect(lines).toContainEqual(later), within);
    expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
    await generations.stop();
    await end();
    await generations.start();
    await expectStates('1 dropped', '2 live');
  });

  test('a dry run tells what it found, also the next one, and what they built is dropped by a sweep', async () => {
    const { logger, lines } = testLogger();
    const generations = await open({ logger });
    await add(9);
    await generations.caughtUp();
    for (const number of [2, 3]) {
      const inspect = () => read(`${schema}_g${number}.balances_v1`);
      const report = await generations.rebuild({ ...whole, switch: 'never', fresh: true, inspect });
      expect(report).toMatchObject({ generation: number, events: 9n, switched: false });
      expect(report.compared.map(({ equal }) => equal)).toEqual([true, true]);
    }
    expect(lines).toContainEqual(later);
    expect(await states()).toEqual(['1 live', '2 old', '3 old']);
    await end();
    await generations.stop();
    await generations.start();
    await expectStates('1 live', '2 dropped', '3 dropped');
  });

  test('a cancelled build is given up, and none goes on with it', async () => {
    const generations = await open();
    await add(40);
    await generations.caughtUp();
    const cancel = new AbortController();
    const inspect = async () => {
      await read(`${schema}_g2.balances_v1`);
      cancel.abort();
    };
    const how = { ...whole, signal: cancel.signal, keepWhenAborted: () => false };
    const cancelled = generations.rebuild({ ...how, inspect });
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    const [, abandoned] = await generationsOf(pool);
    expect(await states()).toEqual(['1 live', '2 old']);
    // Nor does one that has lost its lock and does not know that it was given up.
    const late = { store, next: abandoned!, level: async () => undefined };
    await expect(switchTo(pool, { schema, projections: [projection] }, late)).rejects.toThrow(
      'generation 2 was given up',
    );
    let applied = 0;
    const observe = (events: readonly unknown[]) => void (applied += events.length);
    expect(await generations.rebuild({ ...whole, observe })).toMatchObject({ generation: 3, switched: true });
    expect(applied).toBe(40);
    await end();
    await generations.stop();
    await generations.start();
    await expectStates('1 old', '2 dropped', '3 live');
  });

  test('a build that was interrupted and does not fit is given up for another', async () => {
    const generations = await open();
    const plan = { schema, projections: [projection] };
    expect(await ensureBuilding(pool, plan)).toMatchObject({ number: 2 });
    await read(`${schema}_g2.balances_v1`);
    expect(await ensureBuilding(pool, plan)).toMatchObject({ number: 2 });
    expect(await ensureBuilding(pool, plan, true)).toMatchObject({ number: 3 });
    expect(await states()).toEqual(['1 live', '2 old', '3 building']);
    expect(await generations.rebuild(whole)).toMatchObject({ generation: 3, switched: true });
  });

  test('a switch tries again until they let go of the views, or it is cancelled', async () => {
    const generations = await open();
    await add(9);
    await generations.caughtUp();
    await read(`${schema}.balances_v1`);
    for (const [number, over] of [[2, 'cancelled'] as const, [3, 'done'] as const]) {
      const cancel = new AbortController();
      let tries = 0;
      const progress = ({ phase }: BuildStep) => {
        if (phase !== 'switching') return;
        tries += 1;
        if (tries === 2) void (over === 'done' ? end() : cancel.abort());
      };
      const how = { ...whole, signal: cancel.signal, keepWhenAborted: () => false };
      const rebuilt = generations.rebuild({ ...how, progress });
      if (over === 'done') expect(await rebuilt).toMatchObject({ generation: number, switched: true });
      else await expect(rebuilt).rejects.toMatchObject({ name: 'AbortError' });
    }
    expect(await states()).toEqual(['1 old', '2 dropped', '3 live']);
  });
});

describe('a build whose connection is lost', () => {
  const outage = { code: 'store_unavailable', retryable: true };

  test('while it compares fails as by an outage, with what was wrong as its cause, and goes on when it is asked again', async () => {
    const generations = await open();
    await add(9);
    await generations.caughtUp();
    const inspect = (client: PoolClient) => client.query('select pg_terminate_backend(pg_backend_pid())');
    const lost = generations.rebuild({ ...whole, inspect });
    await expect(lost).rejects.toMatchObject({ ...outage, cause: { code: '57P01' } });
    expect(await states()).toEqual(['1 live', '2 building']);
    expect(await generations.rebuild(whole)).toMatchObject({ generation: 2, switched: true });
  });

  test('with the commit of the switch has switched', async () => {
    const proxy = await startProxy(new URL(databases.database.url));
    const buildPool = openDatabase({ url: proxy.url, schema, poolMax: 8, onError: () => undefined });
    const generations = await open({ buildPool });
    await add(9);
    await generations.caughtUp();
    let tries = 0;
    const progress = ({ phase }: BuildStep) => {
      if (phase !== 'switching') return;
      tries += 1;
      if (tries === 1) proxy.cutAtCommit({ direction: 'answer', left: 0 });
      else proxy.cut(null);
    };
    expect(await generations.rebuild({ ...whole, progress })).toMatchObject({ generation: 2, switched: true });
    expect(tries).toBe(2);
    expect(await states()).toEqual(['1 old', '2 live']);
    await add(1);
    await generations.caughtUp();
    await generations.stop();
    await buildPool.end();
    await proxy.stop();
  });

  test('with its lock ends, and leaves what it built to the one that has it now', async () => {
    const generations = await open();
    await add(9);
    await generations.caughtUp();
    const lock = 'projection build';
    const inspect = async () => {
      await terminate(await holdersOf(lock));
      await eventually(async () => expect(await holdersOf(lock)).toEqual([]), within);
    };
    const lost = generations.rebuild({ ...whole, inspect });
    await expect(lost).rejects.toMatchObject(outage);
    await expect(lost).rejects.toThrow('the lock of projection build is lost');
    expect(await states()).toEqual(['1 live', '2 building']);
    // Nor is it this one's to drop any more.
    const cancel = new AbortController();
    const how = { ...whole, signal: cancel.signal, keepWhenAborted: () => false };
    const cancelled = generations.rebuild({ ...how, inspect: async () => inspect().then(() => cancel.abort()) });
    await expect(cancelled).rejects.toMatchObject(outage);
    expect(await states()).toEqual(['1 live', '2 building']);
  });

  test('may find that another process has switched to what both built', async () => {
    const { logger, lines } = testLogger();
    const generations = await open();
    await generations.rebuild(whole);
    await generations.rebuild(whole);
    const late = (await generationsOf(pool)).filter(({ number }) => number > 1);
    const level = () => Promise.reject(new Error('there is nothing to do'));
    for (const next of late)
      expect(await switchTo(pool, { schema, projections: [projection] }, { store, next, level })).toBe(true);
    // Nor does a cancel take away what has been shown.
    for (const { number } of late) await abandonGeneration({ pool, schema, logger }, number);
    expect(await states()).toEqual(['1 old', '2 old', '3 live']);
    expect(lines).toEqual([]);
  });
});
