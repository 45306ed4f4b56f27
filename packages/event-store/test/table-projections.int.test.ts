import { gate, testLogger } from '@daybook/testing';
import type { Pool } from 'pg';
import { z } from 'zod';
import { createBatches, openBatches, type Batches } from '../src/batches';
import { defineStoredEvents, type StoredEventsOf } from '../src/codec';
import { inTransaction, runAll } from '../src/database';
import { start, type EventStore, type StoredEvent } from '../src/event-store';
import { postgresEventStore } from '../src/postgres-event-store';
import { rowsInMemory } from '../src/projection-rows';
import { changeStatements, loadStatement, rowsOf } from '../src/projection-statements';
import { createTableSql, defineTable, type RowOf } from '../src/projection-table';
import { createStoredFold } from '../src/stored-fold';
import type { TableProjection } from '../src/table-projections';
import { createTableProjections } from '../src/table-runner';
import { anEvent } from './counted-events';
import { schemas } from './fixtures';

const codec = defineStoredEvents({
  Added: { version: 1, data: z.object({ account: z.string(), amount: z.int() }) },
});
type Event = StoredEventsOf<typeof codec>;

const everything = defineTable({
  name: 'everything_v1',
  kind: 'kept',
  columns: {
    id: { type: 'text' },
    uuid: { type: 'uuid', nullable: true },
    count: { type: 'integer', nullable: true },
    sequence: { type: 'bigint', nullable: true },
    amount: { type: 'numeric', nullable: true },
    flag: { type: 'boolean', nullable: true },
    at: { type: 'timestamptz', nullable: true },
    day: { type: 'date', nullable: true },
    data: { type: 'jsonb', nullable: true },
  },
  key: ['id'],
});
type Row = RowOf<typeof everything>;

const balances = defineTable({
  name: 'balances_v1',
  kind: 'kept',
  columns: { account: { type: 'text' }, balance: { type: 'numeric' } },
  key: ['account'],
});

const projection: TableProjection<Event> = {
  name: 'balances',
  version: 1,
  tables: [balances],
  keys: ({ account }, _place, wanted) => wanted.row(balances, account),
  handlers: {
    Added({ account, amount }, _place, rows) {
      if (rows.get(balances, account)) rows.change(balances, account).balance += BigInt(amount);
      else rows.insert(balances, { account, balance: BigInt(amount) });
    },
  },
};

let databases: Awaited<ReturnType<typeof schemas>>;
let pool: Pool;
let schema: string;
let store: EventStore;
let fatal: unknown[];
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());
beforeEach(async () => {
  ({ pool, schema } = await databases.fresh());
  store = postgresEventStore(pool);
  fatal = [];
});
afterEach(() => store.close());

const runner = (projections: readonly TableProjection<Event>[] = [projection], batchSize?: number) =>
  createTableProjections({
    pool,
    store,
    codec,
    name: 'group',
    schema,
    projections,
    logger: testLogger().logger,
    onFatal: (error) => void fatal.push(error),
    ...(batchSize === undefined ? {} : { batchSize }),
  });

const add = (account: string, amount: number) =>
  store.append(
    crypto.randomUUID(),
    [{ ...anEvent(), ...codec.encode({ type: 'Added', account, amount }) }],
    'no_stream',
  );

const empty = { uuid: null, count: null, sequence: null, amount: null, flag: null, at: null, day: null, data: null };

test('values of every type are stored and loaded as they are', async () => {
  await pool.query(createTableSql(schema, everything));
  const small = [0n, 1n, -1n, 9_999n, 10_000n, -10_001n, 99_999_999n, 100_000_000n, 10n ** 12n - 1n, 10n ** 12n];
  const large = [2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n) - 1n, 10n ** 37n, -(10n ** 60n) + 7n];
  const rows: Row[] = [
    ...[...small, ...large].map((amount) => ({ ...empty, id: `amount ${amount}`, amount })),
    ...[0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)].map((sequence) => ({ ...empty, id: `sequence ${sequence}`, sequence })),
    ...[0, -(2 ** 31), 2 ** 31 - 1].map((count) => ({ ...empty, id: `count ${count}`, count })),
    ...[
      '2026-01-31T23:59:59.999Z',
      '1999-12-31T23:59:59.001Z',
      '1969-07-20T20:17:40.000Z',
      '2000-01-01T00:00:00.000Z',
    ].map((at) => ({ ...empty, id: at, at, day: at.slice(0, 10) })),
    { ...empty, id: 'ünïcödé ✓ 😀', flag: true, data: '{"a": [1, "ü"]}' },
    { ...empty, id: 'x'.repeat(500), flag: false, uuid: '018f3a52-7c1e-7b44-9d0a-5c0f2c1e8a02' },
  ];
  const memory = rowsInMemory([everything]);
  for (const row of rows) {
    memory.wanted.newRow(everything, row.id);
    memory.rows.insert(everything, { ...row });
  }
  await inTransaction(pool, (tx) => runAll(tx, changeStatements(schema, memory.changes())));
  const load = loadStatement(
    schema,
    everything,
    rows.map(({ id }) => [id]),
  );
  const found = await pool.query({ text: load.text, values: [...load.values], rowMode: 'array' });
  const byId = (a: { id?: unknown }, b: { id?: unknown }) => (String(a.id) < String(b.id) ? -1 : 1);
  expect(rowsOf(everything, found.rows as unknown[][]).toSorted(byId)).toEqual(rows.toSorted(byId));
  // As Postgres reads them, which is not our reading backwards.
  const { rows: texts } = await pool.query<{ id: string; amount: string }>(
    `select id, amount::text from ${schema}.everything_v1 where amount is not null`,
  );
  for (const { id, amount } of texts) expect(id).toBe(`amount ${amount}`);
  const { rows: times } = await pool.query<{ id: string; same: boolean }>(
    `select id, at = id::timestamptz and day = substr(id, 1, 10)::date as same from ${schema}.everything_v1 where at is not null`,
  );
  expect(times.map(({ same }) => same)).toEqual([true, true, true, true]);
});

test.each([
  ['a bigint', { sequence: 2n ** 63n }],
  ['a bigint', { sequence: -(2n ** 63n) - 1n }],
  ['an integer', { count: 2 ** 31 }],
  ['an integer', { count: -(2 ** 31) - 1 }],
  ['an integer', { count: 0.5 }],
  ['a lower-case UUID', { uuid: '018F3A52-7c1e-7b44-9d0a-5c0f2c1e8a02' }],
  ['a lower-case UUID', { uuid: '018f3a52-7c1e-7b44-9d0a-5c0f2c1e8a0' }],
  ['a lower-case UUID', { uuid: '018f3a52-7c1e-7b44-9d0a-5c0f2c1e8a0\u0161' }],
  ['a lower-case UUID', { uuid: '018f3a52-7c1e-7b44-9d0a_5c0f2c1e8a02' }],
])('what is not %s is not stored as one: %j', (name, value) => {
  const memory = rowsInMemory([everything]);
  memory.wanted.newRow(everything, 'x');
  memory.rows.insert(everything, { ...empty, id: 'x', ...value });
  expect(() => changeStatements(schema, memory.changes())).toThrow(`is not ${name}`);
});

test('rows in memory are forgotten when another runner was at work', async () => {
  await pool.query(createTableSql(schema, balances));
  const [one, other] = [runner(), runner()];
  await one.start();
  await add('a', 1);
  await one.caughtUp();
  await one.stop();
  await other.start();
  await add('a', 2);
  await other.caughtUp();
  // Both from here on: whoever gets an event must not count from what it remembers.
  await one.start();
  for (let n = 0; n < 30; n++) {
    await add('a', 10);
    await (n % 2 === 0 ? one : other).caughtUp();
  }
  await Promise.all([one.caughtUp(), other.caughtUp()]);
  expect((await pool.query(`select balance from ${schema}.balances_v1`)).rows).toEqual([{ balance: '303' }]);
  await Promise.all([one.stop(), other.stop()]);
  expect(fatal).toEqual([]);
});

test('a batch that fails leaves nothing behind, in the tables and in memory', async () => {
  await pool.query(createTableSql(schema, balances));
  await pool.query(`create function refuse() returns trigger language plpgsql as $$
    begin raise exception 'not now' using errcode = '40001'; end $$;
    create trigger refuse before update on ${schema}.balances_v1 for each statement execute function refuse()`);
  const projections = runner();
  await projections.start();
  await add('a', 1);
  await projections.caughtUp();
  await add('a', 2);
  const waiting = projections.caughtUp();
  await add('a', 4);
  await pool.query(`drop trigger refuse on ${schema}.balances_v1`);
  await waiting;
  await projections.caughtUp();
  expect((await pool.query(`select balance from ${schema}.balances_v1`)).rows).toEqual([{ balance: '7' }]);
  await projections.stop();
  expect(fatal).toEqual([]);
});

test('a handler that looks at a row nobody asked for is a bug, and stops the group', async () => {
  await pool.query(createTableSql(schema, balances));
  const { keys: _, ...forgetful } = projection;
  const projections = runner([forgetful]);
  await projections.start();
  await add('a', 1);
  await expect(projections.caughtUp()).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(fatal).toMatchObject([{ name: 'AssertionError', message: 'nobody asked for balances_v1 a' }]);
  await projections.stop();
});

test('batches that are folded ahead and copied in leave what one event after the other leaves', async () => {
  const additions = defineTable({
    name: 'additions_v1',
    kind: 'appended',
    columns: { position: { type: 'text' }, account: { type: 'text' }, balance: { type: 'numeric' } },
    key: ['position'],
  });
  const both: TableProjection<Event>[] = [
    projection,
    {
      name: 'additions',
      version: 1,
      tables: [additions],
      handlers: {
        Added({ account }, { position }, rows) {
          const { balance } = rows.get(balances, account)!;
          rows.insert(additions, { position, account, balance });
        },
      },
    },
  ];
  for (const table of [balances, additions]) await pool.query(createTableSql(schema, table));
  // Accounts that are new in the middle of a batch, too: there the folding ahead ends.
  const events = Array.from({ length: 3_000 }, (_, n) => ({
    account: `account ${n % (n < 1_900 ? 7 : 11)}`,
    amount: n,
  }));
  for (let from = 0; from < events.length; from += 400) {
    const some = events.slice(from, from + 400).map((event) => codec.encode({ type: 'Added', ...event }));
    await store.append(
      crypto.randomUUID(),
      some.map((encoded) => ({ ...anEvent(), ...encoded })),
      'no_stream',
    );
  }
  const projections = runner(both, 700);
  await projections.start();
  await projections.caughtUp();
  await projections.stop();
  expect(fatal).toEqual([]);
  const expected = new Map<string, bigint>();
  const sums = events.map(({ account, amount }) => {
    const sum = (expected.get(account) ?? 0n) + BigInt(amount);
    expected.set(account, sum);
    return `${account}: ${sum}`;
  });
  const { rows: found } = await pool.query<{ account: string; balance: string }>(
    `select account, balance from ${schema}.additions_v1`,
  );
  expect(found.map(({ account, balance }) => `${account}: ${balance}`).toSorted()).toEqual(sums.toSorted());
  const { rows: last } = await pool.query<{ account: string; balance: string }>(
    `select account, balance from ${schema}.balances_v1`,
  );
  expect(new Map(last.map(({ account, balance }) => [account, BigInt(balance)]))).toEqual(expected);
});

describe('a batch that leaves out the last events of what was read', () => {
  const amounts = defineTable({
    name: 'amounts_v1',
    kind: 'appended',
    columns: { position: { type: 'text' }, amount: { type: 'integer' } },
    key: ['position'],
  });
  const listing: TableProjection<Event> = {
    name: 'amounts',
    version: 1,
    tables: [amounts],
    handlers: { Added: ({ amount }, { position }, rows) => void rows.insert(amounts, { position, amount }) },
  };

  const addUpTo = async (last: number, first = 1) => {
    for (let amount = first; amount <= last; amount++) await add('a', amount);
    return store.readAll(start, 100);
  };
  /** Four events are a full batch, behind which more is read ahead. */
  const reader = (projections: readonly TableProjection<Event>[]) => {
    const { apply, ...fold } = createStoredFold({ codec, projections, schema });
    return { pool, store, name: 'build', batchSize: 4, ...fold, handle: apply };
  };

  test('keeps the rows that it waits for, whatever is read ahead meanwhile', async () => {
    await pool.query(createTableSql(schema, balances));
    const log = await addUpTo(8);
    const options = reader([projection]);
    const [applying, readAhead] = [gate(), gate()];
    const batches = createBatches({
      ...options,
      async prepare(events, from) {
        if (from !== start) await applying.opened;
        const ready = await options.prepare(events, from);
        if (from !== start) readAhead.open();
        return ready;
      },
      handle(tx, events) {
        const applied = options.handle(tx, events);
        applying.open();
        return applied;
      },
    });
    const opened = await openBatches(options);
    const { step } = await inTransaction(pool, async (tx) => {
      // So that its rows are not loaded before.
      await tx.query(`lock table ${schema}.balances_v1 in access exclusive mode`);
      const cut = batches.next(opened, log[1]!.position);
      await readAhead.opened;
      return { step: cut };
    });
    const { checkpoint } = await step;
    expect(checkpoint).toMatchObject({ position: log[1]!.position, count: 2n });
    await batches.next(checkpoint);
    await batches.settled();
    expect((await pool.query(`select balance from ${schema}.balances_v1`)).rows).toEqual([{ balance: '21' }]);
  });

  test('stores the rows that need no loading, also when what is behind all of them was waiting for it', async () => {
    await pool.query(createTableSql(schema, amounts));
    await addUpTo(2);
    const options = reader([listing]);
    const { checkpoint: two } = await createBatches(options).next(await openBatches(options));
    const log = await addUpTo(10, 3);
    const waiting = gate();
    const batches = createBatches({
      ...options,
      prepare(events, from) {
        const prepared = options.prepare(events, from);
        if (from === log[5]!.position) waiting.open();
        return prepared;
      },
      async handle(tx, events) {
        await waiting.opened;
        return options.handle(tx, events);
      },
    });
    const { checkpoint } = await batches.next(two, log[4]!.position);
    await batches.settled();
    expect(checkpoint).toMatchObject({ position: log[4]!.position, count: 5n });
    const { rows } = await pool.query(`select array_agg(amount order by amount) as amounts from ${schema}.amounts_v1`);
    expect(rows).toEqual([{ amounts: [1, 2, 3, 4, 5] }]);
  });
});

describe('a batch that is handled while the one before it is stored', () => {
  const many = 600;
  const places = [0, many, 2 * many, 3 * many];
  const amounts = defineTable({
    name: 'amounts_v1',
    kind: 'appended',
    columns: { amount: { type: 'integer' } },
    key: ['amount'],
  });
  const both: TableProjection<Event> = {
    ...projection,
    tables: [balances, amounts],
    handlers: {
      Added(event, place, rows) {
        projection.handlers.Added!(event, place, rows);
        rows.insert(amounts, { amount: event.amount });
      },
    },
  };

  const optionsWith = (settings: { readonly keepMax?: number } = {}) => {
    const { apply, ...fold } = createStoredFold({ codec, projections: [both], schema, ...settings });
    return { pool, store, name: 'group', batchSize: many, ...fold, handle: apply };
  };

  /** Four batches, of an account each and one that is in all of them. */
  const fill = async () => {
    for (const table of [balances, amounts]) await pool.query(createTableSql(schema, table));
    for (const from of places) {
      const events = Array.from({ length: many }, (_, n) => {
        const account = n % 2 === 0 ? 'everywhere' : `only from ${from}`;
        return { ...anEvent(), ...codec.encode({ type: 'Added', account, amount: from + n }) };
      });
      await store.append(`from ${from}`, events, 'no_stream');
    }
    // Transactions of others on the same server hide them for a moment.
    while ((await store.readAll(start, 4 * many)).length < 4 * many);
  };

  /** The first batch does not go on before the second is handled; what is given is done with it then. */
  const openScene = async (meanwhile: () => void = () => undefined) => {
    await fill();
    const options = optionsWith();
    const second = gate();
    const batches = createBatches({
      ...options,
      async handle(tx, events) {
        const last = await options.handle(tx, events);
        const [{ stream }] = events as [StoredEvent];
        if (stream === `from ${many}`) second.open();
        if (stream !== 'from 0') return last;
        await second.opened;
        meanwhile();
        return last;
      },
    });
    return { options, batches, opened: await openBatches(options) };
  };

  const applyAll = async (batches: Batches) => {
    let checkpoint = await openBatches(optionsWith());
    for (let progress = true; progress;) ({ checkpoint, progress } = await batches.next(checkpoint));
    await batches.settled();
    expect(checkpoint.count).toBe(4n * BigInt(many));
    const { rows } = await pool.query<{ account: string; balance: number }>(
      `select account, balance::integer as balance from ${schema}.balances_v1`,
    );
    const sum = (from: number, by: number, count: number) => count * from + (by * count * (count - 1)) / 2;
    expect(new Map(rows.map(({ account, balance }) => [account, balance]))).toEqual(
      new Map([
        ['everywhere', sum(0, 2, 2 * many)],
        ...places.map((from) => [`only from ${from}`, sum(from + 1, 2, many / 2)] as const),
      ]),
    );
    const { rows: listed } = await pool.query(
      `select count(*)::integer, sum(amount)::integer from ${schema}.amounts_v1`,
    );
    expect(listed).toEqual([{ count: 4 * many, sum: sum(0, 1, 4 * many) }]);
  };

  test('is stored behind it', async () => {
    const { batches } = await openScene();
    await applyAll(batches);
  });

  test('is not stored when that one fails, and both are handled anew', async () => {
    let fails = true;
    const { batches, opened } = await openScene(() => {
      if (fails) throw new Error('the first batch fails');
    });
    await expect(batches.next(opened)).rejects.toThrow('the first batch fails');
    expect((await pool.query(`select 1 from ${schema}.amounts_v1`)).rowCount).toBe(0);
    fails = false;
    await applyAll(batches);
  });

  test('is left to another runner that comes first, and does not keep that one waiting', async () => {
    const { options, batches, opened } = await openScene();
    const { checkpoint: first } = await batches.next(opened);
    const other = createBatches(optionsWith());
    const overtaking = other.next(first);
    // Its rows are those that were copied and not committed: it goes on when they are rolled back.
    await waitingForRows();
    expect(await batches.next(first)).toMatchObject({ applied: [], checkpoint: first });
    expect(await overtaking).toMatchObject({ progress: true, checkpoint: { count: 2n * BigInt(many) } });
    await other.settled();
    expect(await openBatches(options)).toMatchObject({ count: 2n * BigInt(many) });
    await applyAll(batches);
  });

  test('is handled anew when less of it is wanted', async () => {
    const { batches, opened } = await openScene();
    const { checkpoint: first } = await batches.next(opened);
    const [, , third] = await store.readAll(first.position, 3);
    const { checkpoint: cut } = await batches.next(first, third!.position);
    expect(cut.count).toBe(BigInt(many) + 3n);
    await applyAll(batches);
  });

  test('holds no table once the reader has settled', async () => {
    const { batches, opened } = await openScene();
    await batches.next(opened);
    await batches.settled();
    await pool.query(`set local lock_timeout = '5s'; drop table ${schema}.amounts_v1, ${schema}.balances_v1`);
  });

  test('waits for it when no rows stay in memory, because it would load those from before it', async () => {
    await fill();
    const options = optionsWith({ keepMax: 0 });
    const answers: boolean[] = [];
    const batches = createBatches({
      ...options,
      async prepare(events, from) {
        answers.push(await options.prepare(events, from));
        return answers.at(-1)!;
      },
    });
    await applyAll(batches);
    expect(answers).toEqual([false, false, false, false]);
  });

  const waitingForRows = async () => {
    for (let waits = 0; waits === 0;) {
      const { rows } = await pool.query<{ waits: number }>(
        `select count(*)::integer as waits from pg_locks where not granted and locktype = 'transactionid'`,
      );
      waits = rows[0]!.waits;
    }
  };
});

/** Something to wait for, and what opens it. */
