/**
 * Readers in a process of their own that is killed at random moments, until they are through: effects and place move
 * together, so nothing is applied twice and nothing is left out. `READER_KILLS` sets how often, 1,000 for a long run.
 */
import { testDatabase } from '@daybook/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { eventStoreMigrations, migrate } from '../src/migrate';
import { postgresEventStore } from '../src/postgres-event-store';
import { auditSubscriptions } from '../src/subscription-audit';
import { anEvent } from './counted-events';

const schema = 'killed';
const killsWanted = Number(process.env['READER_KILLS'] ?? 8);
const accounts = 7;
/** About how much is applied in a life, so that the kills come before the end. */
const eventsAKill = 400;

/**
 * Two readers of one log: rows that may not come twice, and sums that are folded in memory between commits. Says `running`
 * once they run, and ends when they have caught up. Only what it needs is loaded, because it is started often.
 */
const program = `
  const dist = (name) => require(${JSON.stringify(join(__dirname, '../dist'))} + '/' + name + '.js');
  const { z } = require('zod');
  const { pino } = require('pino');
  const pool = dist('database').openDatabase({ url: process.argv[1], schema: '${schema}', poolMax: 4, onError() {} });
  const store = dist('postgres-event-store').postgresEventStore(pool);
  const logger = pino({ level: 'silent' });
  const onFatal = (error) => { console.error(error); process.exit(1); };
  const common = { pool, store, logger, onFatal, batchSize: 10 };
  const codec = dist('codec').defineStoredEvents({
    Added: { version: 1, data: z.object({ account: z.string(), amount: z.int() }) },
  });
  const sums = dist('projection-table').defineTable({
    name: 'sums_v1', kind: 'kept', columns: { account: { type: 'text' }, sum: { type: 'numeric' } }, key: ['account'],
  });
  const readers = [
    dist('subscription').createSubscription({ ...common, name: 'rows', async handle(tx, events) {
      await tx.query('insert into applied select * from unnest($1::uuid[])', [events.map(({ id }) => id)]);
    } }),
    dist('table-runner').createTableProjections({ ...common, name: 'sums', schema: '${schema}', codec, projections: [{
      name: 'sums', version: 1, tables: [sums],
      keys: ({ account }, _place, wanted) => wanted.row(sums, account),
      handlers: { Added({ account, amount }, _place, rows) {
        if (rows.get(sums, account)) rows.change(sums, account).sum += BigInt(amount);
        else rows.insert(sums, { account, sum: BigInt(amount) });
      } },
    }] }),
  ];
  (async () => {
    for (const reader of readers) await reader.start();
    console.log('running');
    await Promise.all(readers.map((reader) => reader.caughtUp()));
    process.exit(0);
  })().catch(onFatal);`;

/** True when it ended by itself, before it was killed. */
async function live(url: string, killAfterMs: () => number): Promise<boolean> {
  const child = spawn(process.execPath, ['-e', program, url], { stdio: ['ignore', 'pipe', 'pipe'], cwd: __dirname });
  let told = '';
  child.stderr.on('data', (text: Buffer) => (told += text.toString()));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let kill: NodeJS.Timeout | undefined;
  child.stdout.once('data', () => (kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs())));
  const [code] = await exited;
  clearTimeout(kill);
  if (code !== null && code !== 0) throw new Error(`the readers ended with ${code}: ${told}`);
  return code === 0;
}

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
beforeAll(async () => {
  database = await testDatabase();
  pool = database.pool(schema);
  await migrate(pool, schema, [eventStoreMigrations]);
  await pool.query(
    `create table applied (id uuid primary key); create table sums_v1 (account text primary key, sum numeric)`,
  );
});
afterAll(() => database.drop());

const added = (n: number) => ({
  ...anEvent(undefined, JSON.stringify({ account: `account ${n % accounts}`, amount: n })),
  type: 'Added',
});

test(
  `readers that are killed ${killsWanted} times apply each event once`,
  async () => {
    const store = postgresEventStore(pool);
    let [kills, events] = [0, 0];
    const applied = async () => (await pool.query<{ n: number }>('select count(*)::int as n from applied')).rows[0]!.n;
    const moved: boolean[] = [];
    for (let isThrough = false; !isThrough || kills < killsWanted;) {
      // There is always more to do than one life gets done.
      const more = kills < killsWanted ? eventsAKill : 0;
      if (more > 0)
        await store.append(
          `s-${events}`,
          Array.from({ length: more }, (_, n) => added(events + n)),
          'no_stream',
        );
      events += more;
      const before = await applied();
      isThrough = await live(database.url, () => (kills < killsWanted ? Math.random() * 120 : 30_000));
      if (!isThrough) kills++;
      moved.push((await applied()) > before);
    }
    expect(await applied()).toBe(events);
    const { rows } = await pool.query<{ account: string; sum: string }>('select account, sum from sums_v1 order by 1');
    const sums = Array.from({ length: accounts }, () => 0);
    for (let n = 0; n < events; n++) sums[n % accounts]! += n;
    expect(rows).toEqual(sums.map((sum, n) => ({ account: `account ${n}`, sum: String(sum) })));
    const whole = { agrees: true, applied: { count: BigInt(events) } };
    expect(await auditSubscriptions(pool, store)).toMatchObject([
      { name: 'rows', ...whole },
      { name: 'sums', ...whole },
    ]);
    // Some were killed in the middle of their work.
    expect(moved.filter(Boolean).length).toBeGreaterThan(2);
    await store.close();
  },
  Math.max(600_000, killsWanted * 3_000),
);
