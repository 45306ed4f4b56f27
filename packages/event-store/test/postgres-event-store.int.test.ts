import { eventually } from '@daybook/testing';
import type { Pool } from 'pg';
import { openDatabase } from '../src/database';
import { start, type EventStore } from '../src/event-store';
import { oldestWriter } from '../src/oldest-writer';
import { postgresEventStore } from '../src/postgres-event-store';
import { anEvent, readWhole, someEvents } from './counted-events';
import { describeEventStore } from './event-store.contract';
import { schemas } from './fixtures';

let databases: Awaited<ReturnType<typeof schemas>>;
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());

const insertText = `insert into appends (stream, first_revision, count, ids, types, versions, payloads, metadata)
  values ($1, 0, 1, array[$2::uuid], array[$3::text], array[$4::integer], array[$5::bytea], array[$6::json])`;

function rawValues(stream: string): unknown[] {
  const { id, type, version, payload, metadata } = anEvent();
  return [stream, id, type, version, payload, metadata];
}

describeEventStore('Postgres', async () => postgresEventStore((await databases.fresh()).pool), 10_000);

describe('the appends table', () => {
  test.each([
    ['update', `update appends set types = array['Other']`, '23001'],
    ['update of nothing', `update appends set types = array['Other'] where false`, '23001'],
    ['delete', `delete from appends`, '23001'],
    ['delete of nothing', `delete from appends where false`, '23001'],
    ['truncate', `truncate appends`, '23001'],
    // The view cannot be written at all.
    ['update of its view', `update events set type = 'Other'`, '55000'],
    ['delete from its view', `delete from events`, '55000'],
    ['insert into its view', `insert into events (stream) values ('s')`, '55000'],
    ['arrays of unlike length', insertText.replace('array[$3::text]', 'array[$3::text, $3::text]'), '23514'],
  ])('refuses %s', async (_name, statement, code) => {
    const { pool } = await databases.fresh();
    const store = postgresEventStore(pool);
    await store.append('s', [anEvent()], 'no_stream');
    const values = statement.includes('$1') ? rawValues('t') : [];
    await expect(pool.query(statement, values)).rejects.toMatchObject({ code });
    expect(await readWhole(store)).toHaveLength(1);
  });

  test('schemas of one database do not see each other', async () => {
    const [one, other] = [await databases.fresh(), await databases.fresh()];
    const event = anEvent();
    await postgresEventStore(one.pool).append('s', [event], 'no_stream');
    expect(await readWhole(postgresEventStore(other.pool))).toEqual([]);
    await postgresEventStore(other.pool).append('s', [event], 'no_stream');
    expect(await readWhole(postgresEventStore(one.pool))).toHaveLength(1);
  });
});

test('pages of any size show the same events, also those that are copied', async () => {
  const { pool } = await databases.fresh();
  const store = postgresEventStore(pool);
  for (const [index, count] of [1, 3, 400, 200, 1, 90, 5].entries()) {
    const events = Array.from({ length: count }, () => anEvent());
    await store.append(`stream ünd ${index % 3} ${index}`, events, 'no_stream');
  }
  const singly = await readWhole(store, 100);
  expect(singly).toHaveLength(700);
  for (const size of [1_000, 700, 333, 129]) {
    const pages = [];
    let from = start;
    for (let page = await store.readAll(from, size); page.length > 0; page = await store.readAll(from, size)) {
      expect(page.length).toBeLessThanOrEqual(size);
      if (page.length < size) expect(page.at(-1)!.id).toBe(singly.at(-1)!.id);
      pages.push(...page);
      from = page.at(-1)!.position;
    }
    expect(pages).toEqual(singly);
  }
});

describe('privileges', () => {
  test('a role that may only read and append can do both, and change nothing, whatever triggers say', async () => {
    const { schema, pool } = await databases.fresh();
    const role = `appender_${databases.database.url.slice(-12)}`;
    await pool.query(
      `create role ${role}; grant usage on schema ${schema} to ${role};
       grant select, insert on appends to ${role}; grant select on events to ${role}`,
    );
    await pool.query('alter table appends disable trigger appends_append_only');
    const limited = openDatabase({
      url: `${databases.database.url}?options=${encodeURIComponent(`-c role=${role}`)}`,
      schema,
      poolMax: 2,
      onError: () => undefined,
    });
    const store = postgresEventStore(limited);
    await store.append('s', someEvents(3), 'no_stream');
    expect(await readWhole(store)).toHaveLength(3);
    expect(await scannedCount(store)).toBe(3);
    for (const statement of [
      'update appends set count = 1',
      'delete from appends',
      'truncate appends',
      'drop table appends',
    ]) {
      await expect(limited.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
    await limited.end();
    await pool.query(`drop owned by ${role}; drop role ${role}`);
  });
});

describe('order under concurrency', () => {
  test('an event whose transaction began first and commits last is not skipped, and the tail does not wait for it', async () => {
    const { pool } = await databases.fresh();
    const store = postgresEventStore(pool);
    const slow = await pool.connect();
    await slow.query('begin');
    await insertRaw(slow, 'slow');
    await store.append('fast', [anEvent()], 'no_stream');

    // The fast event waits behind the open transaction; a cursor that took it now would never see the slow one.
    expect(await store.readAll(start, 10)).toEqual([]);
    expect(await store.tail()).not.toBe(start);

    await slow.query('commit');
    slow.release();
    const streams = (await readWhole(store)).map(({ stream }) => stream);
    expect(streams).toEqual(['slow', 'fast']);
  });

  test('who holds the readers back is found: an idle writer, and no idle reader', async () => {
    const { pool } = await databases.fresh();
    const [writer, reader] = [await pool.connect(), await pool.connect()];
    const name = `writer ${databases.database.url.slice(-12)}`;
    await writer.query(`set application_name = '${name}'`);
    await reader.query('begin; select count(*) from appends');
    await writer.query('begin');
    // Other tests write in the same cluster, so that ours is the oldest only when they have ended.
    await insertRaw(writer, 's');
    await eventually(
      async () => {
        const oldest = await oldestWriter(pool);
        expect(oldest).toMatchObject({ application: name, state: 'idle in transaction' });
        expect(oldest?.ageMs).toBeGreaterThan(0);
      },
      { timeoutMs: 20_000 },
    );
    await writer.query('rollback');
    expect((await oldestWriter(pool))?.application).not.toBe(name);
    await reader.query('rollback');
    await writer.query('reset application_name');
    for (const client of [writer, reader]) client.release();
  });

  test('a transaction that rolls back leaves nothing to wait for', async () => {
    const { pool } = await databases.fresh();
    const store = postgresEventStore(pool);
    const slow = await pool.connect();
    await slow.query('begin');
    await insertRaw(slow, 'slow');
    await store.append('fast', [anEvent()], 'no_stream');
    await slow.query('rollback');
    slow.release();
    expect((await readWhole(store)).map(({ stream }) => stream)).toEqual(['fast']);
  });
});

describe('hints across processes', () => {
  test('an append through another pool wakes a reader, also after the listening connection was cut', async () => {
    const { schema, pool } = await databases.fresh();
    const here = postgresEventStore(pool);
    const elsewhere = postgresEventStore(databases.database.pool(schema));
    let wakes = 0;
    const reader = here.onAppend(() => wakes++);
    const backends = async () => {
      const { rows } = await pool.query<{ pid: number }>(
        `select pid from pg_stat_activity where query like 'listen %events_' || current_schema() || '%' and state = 'idle'`,
      );
      return rows.map(({ pid }) => pid);
    };
    const [first] = await eventually(
      async () => {
        const pids = await backends();
        expect(pids).toHaveLength(1);
        return pids;
      },
      { timeoutMs: 5_000 },
    );
    let before = wakes;
    await elsewhere.append('s', someEvents(1), 'no_stream');
    await eventually(() => expect(wakes).toBeGreaterThan(before), { timeoutMs: 5_000 });

    await pool.query(`select pg_terminate_backend($1)`, [first]);
    await eventually(async () => expect(await backends()).not.toEqual([first]), { timeoutMs: 5_000 });
    await eventually(async () => expect(await backends()).toHaveLength(1), { timeoutMs: 5_000 });
    before = wakes;
    await elsewhere.append('s', someEvents(1), 0n);
    await eventually(() => expect(wakes).toBeGreaterThan(before), { timeoutMs: 5_000 });
    await reader.stop();
    await eventually(async () => expect(await backends()).toEqual([]), { timeoutMs: 5_000 });
  });
});

async function insertRaw(client: Pick<Pool, 'query'>, stream: string): Promise<void> {
  await client.query(insertText, rawValues(stream));
}

describe('a scan', () => {
  test('gives its connection back, closes one that it leaves, and outlives the statement timeout of the pool', async () => {
    const { schema, pool: setUp } = await databases.fresh();
    const pool = openDatabase({ url: databases.database.url, schema, poolMax: 1, onError: () => undefined });
    const store = postgresEventStore(pool);
    await postgresEventStore(setUp).append('s', someEvents(2_000), 'no_stream');
    const backend = async () => (await pool.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
    const before = await backend();
    expect(await scannedCount(store)).toBe(2_000);
    expect(await backend()).toBe(before);
    await expect(pool.query('show statement_timeout')).resolves.toMatchObject({ rows: [{ statement_timeout: '30s' }] });
    for await (const batch of store.scanStream('s')) {
      expect(batch[0]?.revision).toBe(0n);
      break;
    }
    expect(await backend()).not.toBe(before);
    expect(await scannedCount(store)).toBe(2_000);
    await pool.end();
  });

  test('whose connection is lost says so', async () => {
    const { pool } = await databases.fresh();
    const store = postgresEventStore(pool);
    // More than the sockets and buffers between the server and the consumer hold.
    const large = () => ({ ...anEvent(), payload: Buffer.alloc(20_000_000) });
    for (let revision = -1n; revision < 2n; revision++) {
      await store.append('s', [large()], revision < 0n ? 'no_stream' : revision);
    }
    const scan = async () => {
      for await (const batch of store.scanStream('s')) {
        expect(batch[0]?.revision).toBe(0n);
        await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy (select%'`);
      }
    };
    await expect(scan()).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(await scannedCount(store)).toBe(3);
  });
});

async function scannedCount(store: EventStore): Promise<number> {
  let count = 0;
  for await (const batch of store.scanStream('s')) count += batch.length;
  return count;
}
