/**
 * A transaction that has written and stays open holds all readers of the cluster back. That is seen and told, its own time
 * limit ends it, and the readers go on behind it without a gap.
 */
import { eventually, testDatabase, testLogger } from '@daybook/testing';
import { Client, type Pool } from 'pg';
import { start } from '../src/event-store';
import { postgresEventStore } from '../src/postgres-event-store';
import { createSubscription } from '../src/subscription';
import { auditSubscriptions } from '../src/subscription-audit';
import { watchWriters } from '../src/writer-watch';
import { anEvent } from './counted-events';
import { schemas } from './fixtures';

/** What connections and servers are given is 30 s and 60 s. */
const idleLimit = '1500ms';

let databases: Awaited<ReturnType<typeof schemas>>;
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());

/** A session that has forgotten to end its transaction. Resolves, when the server ends it, with what it was told. */
async function forgetful(url: string, application: string, work: string) {
  const client = new Client({ connectionString: url, application_name: application });
  const ended = new Promise<Error & { code?: string }>((resolve) => client.on('error', resolve));
  await client.connect();
  await client.query(work);
  return { ended };
}

async function scene(pool: Pool) {
  const { logger, lines } = testLogger();
  const store = postgresEventStore(pool);
  const applied: string[] = [];
  const subscription = createSubscription({
    pool,
    store,
    name: 'reader',
    logger,
    onFatal: (error) => logger.fatal({ error }, 'reader ended'),
    handle: async (_tx, events) => void applied.push(...events.map(({ stream }) => stream)),
  });
  const watch = watchWriters({ pool, logger }, { everyMs: 100, afterMs: 300 });
  await subscription.start();
  await watch.start();
  const told = (application: string) => lines.filter(({ writer }) => (writer as Told)?.application === application);
  return { store, subscription, watch, applied, told, lines };
}
type Told = { readonly application: string; readonly database: string } | undefined;

describe('a writing transaction that is left open', () => {
  test.each([
    ['in the database of the log', false],
    ['in another database of the cluster', true],
  ])('%s is told, is ended by its time limit, and nothing behind it is missed', async (_name, elsewhere) => {
    const { pool, schema } = await databases.fresh();
    const other = elsewhere ? await testDatabase() : undefined;
    const { store, subscription, watch, applied, told, lines } = await scene(pool);
    const application = `forgetful ${schema}`;
    const insert = `insert into ${schema}.subscriptions (name, version, position) values ('held', '', 'start')`;
    const write = elsewhere ? 'create table held (id int)' : insert;
    const { ended } = await forgetful(
      other?.url ?? databases.database.url,
      application,
      `set idle_in_transaction_session_timeout = '${idleLimit}'; begin; ${write}`,
    );
    let open = true;
    const end = ended.then((error) => ((open = false), error));
    const appended: string[] = [];
    let stalled = 0;
    while (open) {
      const stream = `s${appended.length}`;
      await store.append(stream, [anEvent()], 'no_stream');
      appended.push(stream);
      if (open && (await store.readAll(start, 1)).length === 0) stalled++;
    }
    expect(await end).toMatchObject({ code: '25P03' });
    // Nothing was read while it was open, and there was much to read.
    expect(stalled).toBeGreaterThan(20);
    expect(told(application)).toHaveLength(1);
    await subscription.caughtUp();
    expect(applied.toSorted()).toEqual(appended.toSorted());
    expect(await auditSubscriptions(pool, store)).toMatchObject([{ name: 'reader', agrees: true }]);
    await eventually(() => expect(lines.at(-1)?.msg).toMatch(/^no transaction holds/), { timeoutMs: 20_000 });
    await watch.stop();
    await subscription.stop();
    await store.close();
    await other?.drop();
  });

  test('that only reads holds nobody back, and is not told', async () => {
    const { pool, schema } = await databases.fresh();
    const { store, subscription, watch, applied, told } = await scene(pool);
    const reader = await pool.connect();
    await reader.query(`set application_name = 'reading ${schema}'; begin; select count(*) from appends`);
    for (let n = 0; n < 20; n++) await store.append(`s${n}`, [anEvent()], 'no_stream');
    await subscription.caughtUp();
    expect(applied).toHaveLength(20);
    expect(told(`reading ${schema}`)).toEqual([]);
    await reader.query('rollback; reset application_name');
    reader.release();
    await watch.stop();
    await subscription.stop();
    await store.close();
  });
});
