import { testLogger } from '@daybook/testing';
import type { Pool } from 'pg';
import type { EventStore, StoredEvent } from '../src/event-store';
import { eventStoreDb } from '../src/eventstoredb/event-store-db';
import { postgresEventStore } from '../src/postgres-event-store';
import { createSubscription } from '../src/subscription';
import { auditSubscriptions } from '../src/subscription-audit';
import { someEvents } from './counted-events';
import { startEventStoreDbServer, type EventStoreDbServer } from './eventstoredb-server';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
let server: EventStoreDbServer;
beforeAll(async () => {
  databases = await schemas();
  server = await startEventStoreDbServer();
});
afterAll(async () => {
  await server.stop();
  await databases.end();
});

const { logger } = testLogger();

/** Reads everything there is with the store as it is given, then stops. */
async function follow(pool: Pool, store: EventStore, name: string): Promise<void> {
  const fatal: unknown[] = [];
  const onFatal = (error: unknown) => void fatal.push(error);
  const subscription = createSubscription({ pool, store, name, logger, onFatal, batchSize: 7, handle: async () => {} });
  await subscription.start();
  await subscription.caughtUp();
  await subscription.stop();
  expect(fatal).toEqual([]);
}

/** A store whose reads are wrong in a way that no reader notices. */
function reading(store: EventStore, wrong: (event: StoredEvent) => readonly StoredEvent[]): EventStore {
  return { ...store, readAll: async (from, limit) => (await store.readAll(from, limit)).flatMap(wrong) };
}

describe.each([
  ['Postgres', (pool: Pool): EventStore => postgresEventStore(pool)],
  ['EventStoreDB', (): EventStore => eventStoreDb({ url: server.url, namespace: 'test', service: 'audited' })],
])('the audit of the readers of a log in %s', (_name, open) => {
  test('finds the one that skipped an event and the one that applied one twice, and no other', async () => {
    const { pool } = await databases.fresh();
    const store = open(pool);
    await store.append('s', someEvents(3), 'no_stream');
    await follow(pool, store, 'early');
    for (let n = 0; n < 10; n++) await store.append('s', someEvents(4), BigInt(2 + n * 4));
    const lost = (await store.readStream('s'))[20]!;
    await follow(pool, store, 'good');
    await follow(
      pool,
      reading(store, (event) => (event.id === lost.id ? [] : [event])),
      'skips',
    );
    await follow(
      pool,
      reading(store, (event) => (event.id === lost.id ? [event, event] : [event])),
      'doubles',
    );
    await pool.query(`insert into subscriptions (name, version, position) values ('new', '', 'start')`);
    await store.append('s', someEvents(2), 42n);

    for (const pageSize of [1, 5, 43, 1_000]) {
      const audits = await auditSubscriptions(pool, store, { pageSize });
      expect(
        audits.map(({ name, agrees, applied, log, suspect }) => [name, agrees, applied.count, log.count, suspect]),
      ).toEqual([
        ['doubles', false, 44n, 43n, lost.id],
        ['early', true, 3n, 3n, undefined],
        ['good', true, 43n, 43n, undefined],
        ['new', true, 0n, 0n, undefined],
        ['skips', false, 42n, 43n, lost.id],
      ]);
    }
    await store.close();
  });

  test('finds one event that was applied in the place of another, which the count does not show', async () => {
    const { pool } = await databases.fresh();
    const store = open(pool);
    const stream = `swapped-${databases.database.url}`;
    await store.append(stream, someEvents(5), 'no_stream');
    const events = await store.readStream(stream);
    const swapped = reading(store, (event) => [event.id === events[1]!.id ? { ...event, id: events[3]!.id } : event]);
    await follow(pool, swapped, 'swaps');
    const [audit] = await auditSubscriptions(pool, store);
    expect(audit).toMatchObject({ agrees: false });
    expect(audit!.applied.count).toBe(audit!.log.count);
    expect(audit!.applied.hash).not.toBe(audit!.log.hash);
    await store.close();
  });

  test('stops when it is told to', async () => {
    const { pool } = await databases.fresh();
    const store = open(pool);
    await pool.query(`insert into subscriptions (name, version, position) values ('new', '', 'start')`);
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(auditSubscriptions(pool, store, { signal })).rejects.toThrow('cancelled');
    await store.close();
  });
});
