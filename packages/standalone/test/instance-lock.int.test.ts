import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Component } from '@daybook/runtime';
import { eventually, testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { instanceLock } from '../src/instance-lock';

let database: TestDatabase;
let pool: Pool;
let locks: Component[];
let fatal: unknown[];
beforeEach(async () => {
  database = await testDatabase();
  pool = database.pool('public');
  [locks, fatal] = [[], []];
});
afterEach(async () => {
  await Promise.all(locks.map((lock) => lock.stop()));
  await database.drop();
});

function lockOf(url = () => database.url): Component {
  const lock = instanceLock(url, (error) => void fatal.push(error));
  locks.push(lock);
  return lock;
}

/** The sessions that have the lock, or wait for it. */
async function sessions(which: 'granted' | 'not granted'): Promise<readonly number[]> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_locks join pg_database d on d.oid = database
     where locktype = 'advisory' and ${which} and d.datname = current_database()`,
  );
  return rows.map(({ pid }) => pid);
}

async function terminateHolder(): Promise<number> {
  const [pid] = await sessions('granted');
  await pool.query('select pg_terminate_backend($1)', [pid]);
  return pid!;
}

test('taken again after its connection was lost: a second instance is still refused', async () => {
  await lockOf().start();
  const lost = await terminateHolder();
  await eventually(
    async () => {
      const held = await sessions('granted');
      expect(held).toHaveLength(1);
      expect(held).not.toContain(lost);
    },
    { timeoutMs: 10_000 },
  );
  await expect(lockOf().start()).rejects.toThrow('another Daybook runs on this DAYBOOK_HOME or DATABASE_URL');
  expect(fatal).toEqual([]);
});

test('taken again from the session that the server still has of a connection that was cut on our side only', async () => {
  const { host, hostname, port } = new URL(database.url);
  const ours: Socket[] = [];
  const servers: Socket[] = [];
  const way = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    socket.on('error', () => undefined).pipe(onward, { end: false });
    onward.on('error', () => undefined).pipe(socket);
    ours.push(socket);
    servers.push(onward);
  });
  await once(way.listen(0, '127.0.0.1'), 'listening');
  try {
    await lockOf(() => database.url.replace(host, `127.0.0.1:${(way.address() as AddressInfo).port}`)).start();
    const [cut] = await sessions('granted');
    ours[0]!.destroy();
    await eventually(
      async () => {
        const [holder] = await sessions('granted');
        expect(holder).toBeDefined();
        expect(holder).not.toBe(cut);
      },
      { timeoutMs: 20_000 },
    );
    expect(fatal).toEqual([]);
  } finally {
    for (const socket of [...ours, ...servers]) socket.destroy();
    way.close();
  }
});

test('ends the instance when another took it meanwhile', async () => {
  await lockOf().start();
  // Asked for while the first has it, so that the end of the first's session gives it at once to this one.
  const other = await pool.connect();
  const taken = other.query('select pg_advisory_lock(7204311905)');
  await eventually(
    async () => {
      expect(await sessions('not granted')).toHaveLength(1);
    },
    { timeoutMs: 10_000 },
  );
  await terminateHolder();
  await taken;
  await eventually(
    () => expect(fatal).toMatchObject([{ message: expect.stringContaining('another Daybook took the lock') }]),
    { timeoutMs: 20_000 },
  );
  other.release();
});

test('given back by a stop, also by one while the database is away', async () => {
  const lock = lockOf();
  await lock.start();
  await lock.stop();
  expect(await sessions('granted')).toEqual([]);
  const urls = [database.url];
  const away = lockOf(() => urls.shift() ?? 'postgres://nobody@127.0.0.1:1/nowhere');
  await away.start();
  await terminateHolder();
  await away.stop();
  expect([await sessions('granted'), fatal]).toEqual([[], []]);
});
