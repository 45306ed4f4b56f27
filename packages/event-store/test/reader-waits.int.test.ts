import { eventually } from '@daybook/testing';
import { postgresEventStore } from '../src/postgres-event-store';
import { readersOf, readerWaits } from '../src/reader-waits';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());

const at = (minute: number) => new Date(Date.UTC(2026, 1, 1, 0, minute));

async function scene() {
  const { pool } = await databases.fresh();
  const store = postgresEventStore(pool);
  const record = async (recordedAt: Date) => {
    await pool.query(
      `insert into appends (stream, first_revision, count, ids, types, versions, payloads, metadata, recorded_at)
       values (gen_random_uuid(), 0, 1, array[gen_random_uuid()], array['T'], array[1], array[''::bytea], array['{}'::json], $1)`,
      [recordedAt],
    );
    return store.tail();
  };
  const stands = (name: string, position: string, movedAt: Date) =>
    pool.query(
      `insert into subscriptions (name, version, position, applied_count, updated_at) values ($1, '1', $2, 7, $3)`,
      [name, position, movedAt],
    );
  const waits = () => readerWaits({ pool, store, now: () => at(10) });
  return { pool, store, record, stands, waits };
}

test('a reader waits since the event that it has not applied, or since it has last moved', async () => {
  const { store, record, stands, waits } = await scene();
  const first = await record(at(1));
  const second = await record(at(5));
  await stands('at the end', second, at(2));
  await stands('before an event that is newer than its last move', first, at(4));
  await stands('works through a backlog', 'start', at(9));
  const expected = [
    { name: 'at the end', waitsS: 0 },
    { name: 'before an event that is newer than its last move', waitsS: 300 },
    { name: 'works through a backlog', waitsS: 60 },
  ];
  // Transactions of other tests are open for a while.
  await eventually(async () => expect(await waits()).toEqual(expected), { timeoutMs: 20_000 });
  await store.close();
});

test('readers of generations that were replaced are none; one that is being built is, and nobody waits for it', async () => {
  const { pool, store, record, stands, waits } = await scene();
  const place = await record(at(1));
  for (const name of ['g1', 'g2', 'g3', 'relay x']) await stands(name, place, at(2));
  await pool.query(
    `insert into projection_generations (number, checkpoint, state, versions)
     values (1, 'g1', 'old', '{}'), (2, 'g2', 'live', '{}'), (3, 'g3', 'building', '{}')`,
  );
  const reader = { position: place, applied: 7n, movedAt: at(2) };
  expect(await readersOf(pool)).toEqual(['g2', 'g3', 'relay x'].map((name) => ({ name, ...reader })));
  await record(at(5));
  const expected = ['g2', 'relay x'].map((name) => ({ name, waitsS: 300 }));
  // Transactions of other tests are open for a while.
  await eventually(async () => expect(await waits()).toEqual(expected), { timeoutMs: 20_000 });
  await store.close();
});
