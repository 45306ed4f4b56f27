import { once } from 'node:events';
import type { Pool } from 'pg';
import { withSessionLock } from '../src/session-lock';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
let pool: Pool;
let schema: string;
beforeAll(async () => {
  databases = await schemas();
  ({ pool, schema } = await databases.fresh());
});
afterAll(() => databases.end());

const work = { name: 'work' };
const terminate = async (lock: string) =>
  pool.query(
    `select pg_terminate_backend(pid) from pg_locks join pg_database d on d.oid = database
     where locktype = 'advisory' and granted and d.datname = current_database()
       and (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`,
    [`${lock} ${schema}`],
  );

test('one holds it at a time, in a schema, and gives it back also when it fails', async () => {
  const other = await databases.fresh();
  const held = await withSessionLock(pool, work, async () => [
    await withSessionLock(pool, work, async () => 'too'),
    await withSessionLock(other.pool, work, async () => 'elsewhere'),
  ]);
  expect(held).toEqual({ done: [undefined, { done: 'elsewhere' }] });
  const failed = new Error('failed');
  await expect(withSessionLock(pool, work, () => Promise.reject(failed))).rejects.toBe(failed);
  expect(await withSessionLock(pool, work, async () => 'next')).toEqual({ done: 'next' });
});

test('one that is lost with its connection is told, and whatever fails then fails as by an outage', async () => {
  const lost = withSessionLock(pool, work, async (signal) => {
    const told = once(signal, 'abort');
    expect(await terminate('work')).toMatchObject({ rowCount: 1 });
    await told;
    throw new Error('the work was ended');
  });
  await expect(lost).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
  await expect(lost).rejects.toThrow('the lock of work is lost');
  expect(await withSessionLock(pool, work, async () => 'next')).toEqual({ done: 'next' });
});
