import { testLogger } from '@daybook/testing';
import type { Pool } from 'pg';
import { z } from 'zod';
import { defineStoredEvents, type StoredEventsOf } from '../src/codec';
import type { EventStore } from '../src/event-store';
import { postgresEventStore } from '../src/postgres-event-store';
import { createProjections, type Projection } from '../src/projections';
import { anEvent } from './counted-events';
import { schemas } from './fixtures';

const codec = defineStoredEvents({
  Added: { version: 1, data: z.object({ account: z.string(), amount: z.int() }) },
  Closed: { version: 1, data: z.object({ account: z.string() }) },
});
type Event = StoredEventsOf<typeof codec>;

const balances: Projection<Event> = {
  name: 'balances',
  version: 1,
  handlers: {
    Added: ({ account, amount }, at) => [
      {
        text: `insert into balances_v1 (account, balance, last_event) values ($1, $2, $3)
               on conflict (account) do update
               set balance = balances_v1.balance + excluded.balance, last_event = excluded.last_event`,
        values: [account, amount, at.eventId],
      },
      { text: `update totals_v1 set total = total + $1`, values: [amount] },
    ],
  },
};

let databases: Awaited<ReturnType<typeof schemas>>;
let pool: Pool;
let store: EventStore;
let fatal: unknown[];
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());
beforeEach(async () => {
  ({ pool } = await databases.fresh());
  await pool.query(`create table balances_v1 (account text primary key, balance bigint not null, last_event uuid not null);
                    create table totals_v1 (total bigint not null);
                    insert into totals_v1 values (0)`);
  store = postgresEventStore(pool);
  fatal = [];
});
afterEach(() => store.close());

const projectionsOf = (projections: readonly Projection<Event>[]) =>
  createProjections({
    pool,
    store,
    codec,
    name: 'group',
    projections,
    logger: testLogger().logger,
    onFatal: (error) => void fatal.push(error),
  });

const append = (stream: string, events: readonly Event[]) =>
  store.append(
    stream,
    events.map((event) => ({ ...anEvent(), ...codec.encode(event) })),
    'no_stream',
  );

describe('projections', () => {
  test('apply every event once and show it after caughtUp', async () => {
    const projections = projectionsOf([balances]);
    await projections.start();
    await append('s', [
      { type: 'Added', account: 'a', amount: 3 },
      { type: 'Closed', account: 'a' },
      { type: 'Added', account: 'a', amount: 4 },
      { type: 'Added', account: 'b', amount: 5 },
    ]);
    await projections.caughtUp();
    const events = await store.readStream('s');
    const { rows } = await pool.query(`select account, balance, last_event from balances_v1 order by account`);
    expect(rows).toEqual([
      { account: 'a', balance: '7', last_event: events[2]?.id },
      { account: 'b', balance: '5', last_event: events[3]?.id },
    ]);
    expect((await pool.query(`select total from totals_v1`)).rows).toEqual([{ total: '12' }]);
    await projections.stop();
  });

  test('an event that this build does not know stops the group, loudly and before anything of its batch', async () => {
    await append('s', [{ type: 'Added', account: 'a', amount: 3 }]);
    await store.append('t', [{ ...anEvent(), type: 'Unknown' }], 'no_stream');
    const projections = projectionsOf([balances]);
    await projections.start();
    await expect(projections.caughtUp()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(fatal).toMatchObject([{ name: 'AssertionError', message: 'unknown event type Unknown' }]);
    expect((await pool.query(`select * from balances_v1`)).rows).toEqual([]);
    await projections.stop();
  });

  test('a statement that is wrong is a bug, not an outage', async () => {
    await append('s', [{ type: 'Closed', account: 'a' }]);
    const wrong: Projection<Event> = {
      name: 'wrong',
      version: 1,
      handlers: { Closed: () => [{ text: 'update nothing set x = 1', values: [] }] },
    };
    const projections = projectionsOf([wrong]);
    await projections.start();
    await expect(projections.caughtUp()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(fatal).toMatchObject([{ code: '42P01' }]);
    await projections.stop();
  });

  test('tables that another version of the group filled are refused at start', async () => {
    const first = projectionsOf([balances]);
    await first.start();
    await first.stop();
    await expect(projectionsOf([{ ...balances, version: 2 }]).start()).rejects.toMatchObject({
      name: 'AssertionError',
      message: expect.stringContaining('stands at version "balances@1", this build has "balances@2"') as string,
    });
    const added: Projection<Event> = { name: 'added', version: 1, handlers: {} };
    await expect(projectionsOf([balances, added]).start()).rejects.toMatchObject({ name: 'AssertionError' });
    await expect(projectionsOf([balances]).start()).resolves.toBeUndefined();
  });
});
