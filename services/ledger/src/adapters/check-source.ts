/**
 * What a check reads, on Postgres. The tables are read in one repeatable-read transaction that writes nothing, so it holds
 * back no reader of the log; the journal is read from the store, which only ever grows, up to places that the
 * transaction saw.
 */
import { mode as modes, type Mode } from '@daybook/contracts';
import {
  auditSubscriptions,
  start,
  waitForAnswers,
  withConnection,
  type EventStore,
  type Position,
} from '@daybook/event-store';
import type { Pool, PoolClient } from 'pg';
import { streamOf } from '../app/books';
import { canonicalJson } from '../app/check/canonical-json';
import type { CheckedRow, Watermarks } from '../app/check/findings';
import type { CheckMoment, CheckSource } from '../app/check/source';

const rowsAtOnce = 2_000;
/** Of rows that nothing should have made; all of them would be too much to report. */
const strayMax = 1_000;

export function checkSource(options: { readonly pool: Pool; readonly store: EventStore }): CheckSource {
  const { pool, store } = options;
  return {
    async atOneMoment(tables, work) {
      return withConnection(pool, async (client, discard) => {
        const there = await existing(client, tables);
        // Long statements are what this is for.
        await client.query('begin isolation level repeatable read read only');
        try {
          await client.query('set local statement_timeout = 0');
          waitForAnswers(client);
          await client.query('set local idle_in_transaction_session_timeout = 0');
          // Before anything is read, so that no table is replaced between the moment and its reading.
          if (there.length > 0) await client.query(`lock table ${there.join(', ')} in access share mode`);
          return await work(await momentOf(client, store));
        } finally {
          await client.query('rollback').catch(discard);
        }
      });
    },
    events: (mode, from, to) => store.scanStream(streamOf(mode), { from: BigInt(from), to: BigInt(to) - 1n }),
  };
}

/** Where the last clean check ended, whoever asked for it. */
export async function lastCleanCheck(pool: Pool): Promise<Watermarks | undefined> {
  const { rows } = await pool.query<{ watermarks: Watermarks }>(
    `select report->'watermarks' as watermarks from jobs
       where kind = 'check' and status = 'succeeded' and report->>'status' = 'CLEAN' order by number desc limit 1`,
  );
  return rows[0]?.watermarks;
}

async function existing(client: PoolClient, tables: readonly string[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select name from unnest($1::text[]) as name where to_regclass(name) is not null`,
    [tables],
  );
  return rows.map(({ name }) => name);
}

async function momentOf(client: PoolClient, store: EventStore): Promise<CheckMoment> {
  const { rows } = await client.query<{ position: Position }>(
    `select position from subscriptions join projection_generations on checkpoint = name where state = 'live'`,
  );
  const columns = columnReader(client);
  const select = async (table: string, condition: string, values: readonly unknown[]) => {
    const known = (await columns(table)) ?? [];
    const text = `select ${known.map(textOf).join(', ')} from ${table} where ${condition}`;
    return (await client.query<CheckedRow>(text, [...values])).rows.map((row) => canonical(known, row));
  };
  return {
    tables: await placesOf(store, rows[0]?.position ?? start),
    journal: await placesOf(store, await store.tail()),
    subscribers: (signal) => auditSubscriptions(client, store, { signal }),
    columns: async (table) => (await columns(table))?.map(({ name }) => name),
    between: (table, mode, from, to) =>
      select(table, 'mode = $1 and sequence >= $2 and sequence < $3', [mode, from, to]),
    beyond: (table, mode, upTo) =>
      select(table, `mode = $1 and (sequence >= $2 or sequence < 0 or sequence is null) limit ${strayMax}`, [
        mode,
        upTo,
      ]),
    stray: (table) => select(table, `(mode <> all ($1) or mode is null) limit ${strayMax}`, [modes.options]),
    async *all(table, mode) {
      const known = (await columns(table)) ?? [];
      const list = known.map(textOf).join(', ');
      await client.query(`declare check_rows no scroll cursor for select ${list} from ${table} where mode = $1`, [
        mode,
      ]);
      try {
        for (;;) {
          const fetched = await client.query<CheckedRow>(`fetch ${rowsAtOnce} from check_rows`);
          if (fetched.rows.length === 0) return;
          yield fetched.rows.map((row) => canonical(known, row));
        }
      } finally {
        // After a failure the transaction is over, and the cursor with it.
        await client.query('close check_rows').catch(() => undefined);
      }
    },
  };
}

async function placesOf(store: EventStore, position: Position): Promise<Record<Mode, number>> {
  return { sandbox: await placeOf(store, 'sandbox', position), live: await placeOf(store, 'live', position) };
}

/**
 * How many events of a book are not behind a place in the log. Only the store can compare places, and in a stream they
 * have the order of revisions: so the first event behind it is searched for by halves.
 */
async function placeOf(store: EventStore, mode: Mode, position: Position): Promise<number> {
  if (position === start) return 0;
  const isBehind = async (revision: number) => {
    const [event] = await store.readStream(streamOf(mode), { from: BigInt(revision), limit: 1 });
    return event === undefined || store.compare(event.position, position) > 0;
  };
  let [low, high] = [0, 1];
  while (!(await isBehind(high))) [low, high] = [high, high * 2];
  if (low === 0 && (await isBehind(0))) return 0;
  // The event at `low` is not behind the place, the one at `high` is.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isBehind(middle)) high = middle;
    else low = middle;
  }
  return high;
}

type Column = { readonly name: string; readonly type: string };

function columnReader(client: PoolClient): (table: string) => Promise<readonly Column[] | undefined> {
  const known = new Map<string, readonly Column[]>();
  return async (table) => {
    if (known.has(table)) return known.get(table);
    const { rows } = await client.query<Column>(
      `select attname as name, format_type(atttypid, null) as type from pg_attribute
       where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum`,
      [table],
    );
    if (rows.length > 0) known.set(table, rows);
    return known.get(table);
  };
}

function textOf({ name, type }: Column): string {
  // As events have it. What none can say, as the database writes it: `to_char` knows neither eras nor infinity.
  if (type === 'timestamp with time zone')
    return `case when ${name} between '0001-01-01 00:00Z' and '9999-12-31 23:59:59.999Z'
                 then to_char(${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
                 else ${name}::text end as ${name}`;
  return `${name}::text as ${name}`;
}

/** JSON has many texts for one value. */
function canonical(columns: readonly Column[], row: CheckedRow): CheckedRow {
  const json = columns.filter(({ type }) => type === 'jsonb' || type === 'json');
  if (json.length === 0) return row;
  const texts = json.flatMap(({ name }) => {
    const text = row[name];
    return text === null || text === undefined ? [] : [[name, canonicalJson(JSON.parse(text))] as const];
  });
  return { ...row, ...Object.fromEntries(texts) };
}
