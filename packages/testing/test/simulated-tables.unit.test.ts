/** The tables of simulations promise what those on Postgres do. Nothing fails here, and time is the platform's. */
import {
  seededRandom,
  simulatedCheckpoints,
  simulatedConsumerTables,
  simulatedDatabase,
  type World,
} from '@daybook/testing';
import { describeCheckpoints } from '../../event-store/test/checkpoints.contract';
import { describeConsumerTables } from '../../messaging/test/consumer-tables.contract';

const owner = { name: 'test', alive: true };

/** Tasks happen in later turns of the event loop. */
const world: World = {
  random: seededRandom(1),
  now: () => performance.now(),
  after: (ms, _owner, task) => void setTimeout(task, ms),
  note: () => undefined,
  violated(what) {
    throw new Error(what);
  },
  violation: () => undefined,
  run: async () => true,
};

const net = {
  call: async <T>(_owner: unknown, _what: string, effect: () => T): Promise<T> => effect(),
  latencyMs: () => 0,
  fails: () => false,
};

function database() {
  const made = simulatedDatabase(world, net);
  return { made, pool: made.pool(owner) };
}

describeConsumerTables('the tables of a simulation', async () => {
  const { made, pool } = database();
  return { pool, tables: simulatedConsumerTables(made) };
});

describeCheckpoints('the tables of a simulation', async () => {
  const { made, pool } = database();
  return { pool, checkpoints: simulatedCheckpoints(made) };
});

test('a transaction whose process is gone is rolled back, and its locks are free', async () => {
  const { made, pool } = database();
  const lost = { name: 'lost', alive: true };
  const client = await made.pool(lost).connect();
  await made.ask(client as never, 'lock', (rows) => rows.put('table', 'key', 1), ['row']);
  lost.alive = false;
  const next = await pool.connect();
  await made.ask(next as never, 'lock', () => undefined, ['row']);
  expect(made.rows.get('table', 'key')).toBeUndefined();
});
