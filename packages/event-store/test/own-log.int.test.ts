import { randomUUID } from 'node:crypto';
import { startFailure } from '@daybook/runtime';
import { testLogger } from '@daybook/testing';
import { status } from '@grpc/grpc-js';
import type { Pool } from 'pg';
import { start, type EventStore } from '../src/event-store';
import { eventStoreDb } from '../src/eventstoredb/event-store-db';
import { assertOwnLog } from '../src/own-log';
import { postgresEventStore } from '../src/postgres-event-store';
import { createSubscription } from '../src/subscription';
import { someEvents } from './counted-events';
import { startEventStoreDbServer, type EventStoreDbServer } from './eventstoredb-server';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
const opened: { stop(): Promise<void> }[] = [];
beforeAll(async () => {
  databases = await schemas();
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.stop();
});
afterAll(() => databases.end());

function inPostgres(pool: Pool): EventStore {
  const store = postgresEventStore(pool);
  opened.push({ stop: () => store.close() });
  return store;
}

describe('the assertion that the places of the log are transactions of this server', () => {
  async function scene() {
    const { pool } = await databases.fresh();
    const store = inPostgres(pool);
    const append = () => store.append(randomUUID(), someEvents(1), 'no_stream');
    /** As a load of a dump writes it: with the place that it had. */
    const load = (tx: string) =>
      pool.query(
        `insert into appends (tx, stream, first_revision, count, ids, types, versions, payloads, metadata)
         select ${tx}, 'loaded', 0, 1, array[gen_random_uuid()], array['T'], array[1], array[''::bytea], array['{}'::json]`,
      );
    return { pool, store, append, load };
  }

  test('holds of an empty log, while others append, and of what came from a server that is behind', async () => {
    const { pool, store, append, load } = await scene();
    await expect(assertOwnLog(pool, store)).resolves.toBeUndefined();
    await load(`'3'::xid8`);
    const looks = Array.from({ length: 50 }, async () => {
      await append();
      await assertOwnLog(pool, store);
    });
    await expect(Promise.all(looks)).resolves.toHaveLength(50);
  });

  test('refuses a log from a server that was ahead, whose readers would miss everything that is appended', async () => {
    const { pool, store, append, load } = await scene();
    await load(`(pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)::text::xid8`);
    await append();
    expect(await store.readAll(await store.tail(), 10)).toEqual([]);
    expect((await store.readAll(start, 10)).map(({ stream }) => stream)).not.toContain('loaded');
    await expect(assertOwnLog(pool, store)).rejects.toThrow(
      /^the log was loaded from another server: its newest transaction is \d+, the next one here is \d+\. /,
    );
  });
});

describe('the assertion that the log is the one that its readers have read', () => {
  const { logger } = testLogger();

  async function eventStoreDbServer(): Promise<EventStoreDbServer> {
    const server = await startEventStoreDbServer();
    opened.push(server);
    return server;
  }

  function onEventStoreDb({ url }: EventStoreDbServer, namespace = 'test'): EventStore {
    const store = eventStoreDb({ url, namespace, service: 'read' });
    opened.push({ stop: () => store.close() });
    return store;
  }

  /** Where a reader stands that has read all of a log, and will read on. */
  async function readWhole(pool: Pool, store: EventStore): Promise<void> {
    const onFatal = (error: unknown) => {
      throw error;
    };
    const reader = createSubscription({ pool, store, name: 'reader', logger, onFatal, handle: async () => {} });
    await reader.start();
    await reader.caughtUp();
    await reader.stop();
  }

  const atOnce = { lookAgainMs: 0 };
  const refusal = /^the log has no event at \S+, where its reader reader stands\. Either EVENT_STORE, /;

  test('holds before and after it is read, and when more has been appended', async () => {
    const server = await eventStoreDbServer();
    for (const open of [inPostgres, () => onEventStoreDb(server)]) {
      const { pool } = await databases.fresh();
      const store = open(pool);
      await pool.query(`insert into subscriptions (name, version, position) values ('new', '', 'start')`);
      await expect(assertOwnLog(pool, store)).resolves.toBeUndefined();
      await store.append('s', someEvents(3), 'no_stream');
      await readWhole(pool, store);
      await expect(assertOwnLog(pool, store)).resolves.toBeUndefined();
      await store.append('s', someEvents(3), 2n);
      await expect(assertOwnLog(pool, store)).resolves.toBeUndefined();
    }
  });

  test('refuses another kind of store than the one of before', async () => {
    const [server, { pool: first }, { pool: second }] = [
      await eventStoreDbServer(),
      await databases.fresh(),
      await databases.fresh(),
    ];
    const [beside, apart] = [inPostgres(first), onEventStoreDb(server)];
    for (const store of [beside, apart]) await store.append('s', someEvents(3), 'no_stream');
    await readWhole(first, beside);
    await readWhole(second, apart);
    await expect(assertOwnLog(first, apart, atOnce)).rejects.toThrow(refusal);
    await expect(assertOwnLog(second, inPostgres(second), atOnce)).rejects.toThrow(refusal);
  });

  test('refuses another namespace, an emptied server, and one that was restored from before, also when it has grown', async () => {
    const [server, emptied, restored] = [
      await eventStoreDbServer(),
      await eventStoreDbServer(),
      await eventStoreDbServer(),
    ];
    const { pool } = await databases.fresh();
    const [store, other] = [onEventStoreDb(server), onEventStoreDb(server, 'elsewhere')];
    await store.append('s', someEvents(3), 'no_stream');
    await other.append('s', someEvents(3), 'no_stream');
    await store.append('s', someEvents(3), 2n);
    await readWhole(pool, store);
    await expect(assertOwnLog(pool, store)).resolves.toBeUndefined();
    await expect(assertOwnLog(pool, other, atOnce)).rejects.toThrow(refusal);
    await expect(assertOwnLog(pool, onEventStoreDb(emptied), atOnce)).rejects.toThrow(refusal);
    // Its readers would never see these: they come before the place that was read already.
    const older = onEventStoreDb(restored);
    await older.append('s', someEvents(3), 'no_stream');
    expect(await older.readAll(await store.tail(), 10)).toEqual([]);
    await expect(assertOwnLog(pool, older, atOnce)).rejects.toThrow(refusal);
    for (let n = 0; n < 5; n++) await older.append('s', someEvents(7), BigInt(2 + n * 7));
    await expect(assertOwnLog(pool, older, atOnce)).rejects.toThrow(refusal);
  });

  test('is not made where the log cannot be asked', async () => {
    const { pool } = await databases.fresh();
    const server = await eventStoreDbServer();
    const store = onEventStoreDb(server);
    await store.append('s', someEvents(1), 'no_stream');
    await readWhole(pool, store);
    server.fault({ kind: 'refuse', code: status.UNKNOWN, details: 'No leader info available in response' });
    await expect(assertOwnLog(pool, store)).rejects.toMatchObject({ code: 'store_unavailable' });
    server.fault({ kind: 'none' });
    await server.down();
    await expect(assertOwnLog(pool, store)).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('looks again, because a leader that has just taken over does not show all that it has', async () => {
    const { pool } = await databases.fresh();
    const store = inPostgres(pool);
    await store.append('s', someEvents(1), 'no_stream');
    await readWhole(pool, store);
    let looks = 0;
    const late = (from: number): EventStore => ({
      ...store,
      holds: async (place) => ++looks >= from && store.holds(place),
    });
    await expect(assertOwnLog(pool, late(5), atOnce)).resolves.toBeUndefined();
    looks = 0;
    await expect(assertOwnLog(pool, late(6), atOnce)).rejects.toThrow(refusal);
  });

  test('of a connection string that cannot be read says nothing of what is in it', async () => {
    const { pool } = await databases.fresh();
    await pool.query(`insert into subscriptions (name, version, position) values ('reader', '', 'esdb:1:1:0')`);
    const url = 'esdb://admin:changeit@127.0.0.1:2113?tls=maybe';
    const store = eventStoreDb({ url, namespace: 'test', service: 'read' });
    const error: unknown = await assertOwnLog(pool, store).catch((refused: unknown) => refused);
    expect(startFailure(error)).toBe('EVENTSTOREDB_URL: is no connection string that the client can read');
  });
});
