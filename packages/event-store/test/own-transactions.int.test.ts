import { randomUUID } from 'node:crypto';
import { start } from '../src/event-store';
import { assertOwnTransactions } from '../src/own-transactions';
import { postgresEventStore } from '../src/postgres-event-store';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());

async function scene() {
  const { pool } = await databases.fresh();
  const store = postgresEventStore(pool);
  const append = () => {
    const id = randomUUID();
    const metadata = { correlationId: id, causationId: id };
    return store.append(id, [{ id, type: 'T', version: 1, payload: Buffer.from('{}'), metadata }], 'no_stream');
  };
  /** As a load of a dump writes it: with the place that it had. */
  const load = (tx: string) =>
    pool.query(
      `insert into appends (tx, stream, first_revision, count, ids, types, versions, payloads, metadata)
       select ${tx}, 'loaded', 0, 1, array[gen_random_uuid()], array['T'], array[1], array[''::bytea], array['{}'::json]`,
    );
  return { pool, store, append, load };
}

describe('the assertion that the places of the log are transactions of this server', () => {
  test('holds of an empty log, while others append, and of what came from a server that is behind', async () => {
    const { pool, append, load } = await scene();
    await expect(assertOwnTransactions(pool)).resolves.toBeUndefined();
    await load(`'3'::xid8`);
    const looks = Array.from({ length: 50 }, async () => {
      await append();
      await assertOwnTransactions(pool);
    });
    await expect(Promise.all(looks)).resolves.toHaveLength(50);
  });

  test('refuses a log from a server that was ahead, whose readers would miss everything that is appended', async () => {
    const { pool, store, append, load } = await scene();
    await load(`(pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)::text::xid8`);
    await append();
    expect(await store.readAll(await store.tail(), 10)).toEqual([]);
    expect((await store.readAll(start, 10)).map(({ stream }) => stream)).not.toContain('loaded');
    await expect(assertOwnTransactions(pool)).rejects.toThrow(
      /^the log was loaded from another server: its newest transaction is \d+, the next one here is \d+\. /,
    );
    await store.close();
  });
});
