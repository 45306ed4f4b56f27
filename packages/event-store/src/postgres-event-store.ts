/**
 * The port on Postgres: table `appends` of the schema that the pool's search_path names, one row an append.
 *
 * Order: readers follow (tx, position) and stop below the oldest transaction still open, so no event commits behind
 * them. Within a stream this is the order of revisions, because writers of one stream wait for each other on the unique
 * (stream, first_revision). Idempotency: an append that finds its place taken compares what stands there with what it
 * brought, whatever rows it stands in.
 */
import { assert } from '@daybook/core';
import type { Pool, QueryResult } from 'pg';
import { listenForAppends } from './append-listener';
import { appendEachOn } from './append-each';
import { sendAppend } from './append-outcome';
import { assertAppendable, settleRepeat } from './append-rule';
import { insertAppend } from './append-statement';
import { areColumns, columnsOf } from './event-columns';
import {
  start,
  type EventMetadata,
  type EventStore,
  type NewEvents,
  type Position,
  type StoredEvent,
} from './event-store';
import { copyEvents } from './log-copy';
import { asOperational } from './operational';
import { scanStream } from './stream-scan';

export function postgresEventStore(pool: Pool): EventStore {
  const appends = appendSignal(pool);

  const readStream: EventStore['readStream'] = async (stream, { from = 0n, limit } = {}) => {
    const last = limit === undefined ? revisionMax : from + BigInt(limit) - 1n;
    return readEvents(pool, { ...streamQuery, values: [stream, from, last] });
  };

  return {
    async append(stream, events, expected) {
      assertAppendable(events);
      const first = expected === 'no_stream' ? 0n : expected + 1n;
      if (await insert(pool, stream, events, first)) {
        appends.wake();
        return { revision: first + BigInt(events.length) - 1n };
      }
      const existing = await readStream(stream, { from: first, limit: events.length });
      return settleRepeat(existing, [...events], first);
    },
    async appendEach(given) {
      const appended = await appendEachOn(pool, given);
      if (appended.includes(true)) appends.wake();
      return appended;
    },
    readStream,
    scanStream: (stream, { from = 0n, to = revisionMax, bare = false } = {}) =>
      scanStream(pool, stream, { from, to, bare }),
    readAll: (from, limit) => readFollowing(pool, from, limit),
    async tail() {
      const { rows } = await query<{ tx: string; position: string }>(pool, tailQuery);
      return rows[0] ? positionOf(rows[0]) : start;
    },
    async holds(place) {
      if (place === start) return true;
      const parsed = parsedPlace(place);
      if (parsed === undefined) return false;
      const index = parsed.position % placesPerAppend;
      const { rows } = await query(pool, { ...holdsQuery, values: [parsed.tx, parsed.position - index, index] });
      return rows.length === 1;
    },
    compare(a, b) {
      const [left, right] = [placeOf(a), placeOf(b)];
      if (left.tx !== right.tx) return left.tx < right.tx ? -1 : 1;
      if (left.position !== right.position) return left.position < right.position ? -1 : 1;
      return 0;
    },
    onAppend: appends.add,
    close: appends.close,
  };
}

/** An event's place is that of its append and its index in it. The table's identity counts in steps of as many. */
const placesPerAppend = 65_536n;

const revisionMax = 2n ** 63n - 1n;

const columns = 'tx, position, stream, revision, id, type, version, payload, metadata, recorded_at';

const streamQuery = { name: 'read_stream', text: `select ${columns} from stream_events($1, $2, $3)` };

/**
 * Chooses appends and their parts by the index alone, which knows how many events a row holds. `tx`, `position`: the row
 * that the reader is in or behind; `index`: how many of its events the reader has; `limit`: how many it wants.
 */
const chosenSql = ({ tx, position, index, limit }: Record<'tx' | 'position' | 'index' | 'limit', string>) =>
  `select tx, position, skip, least(count, skip + ${limit} - before)::integer as upto
     from (select tx, position, count, skip, sum(count - skip) over places - (count - skip) as before
             from (select tx, position, count,
                          case when (tx, position) = (${tx}::xid8, ${position}::bigint) then ${index}::integer else 0 end as skip
                     from appends
                    where (tx, position) >= (${tx}::xid8, ${position}::bigint)
                      and tx < pg_snapshot_xmin(pg_current_snapshot())
                    order by tx, position limit ${limit}::bigint + 1) following
           window places as (order by tx, position rows unbounded preceding)) counted
    where before < ${limit} and skip < count`;

const allQuery = {
  name: 'read_all',
  text: `select a.tx, a.position + c.skip + e.n - 1 as position, a.stream, a.first_revision + c.skip + e.n - 1 as revision,
                e.id, e.type, e.version, e.payload, e.metadata, a.recorded_at
           from (${chosenSql({ tx: '$1', position: '$2', index: '$3', limit: '$4' })}) c
          cross join lateral (select * from appends where tx = c.tx and position = c.position limit 1) a
          cross join lateral unnest(a.ids[c.skip + 1:c.upto], a.types[c.skip + 1:c.upto], a.versions[c.skip + 1:c.upto],
                                    a.payloads[c.skip + 1:c.upto], a.metadata[c.skip + 1:c.upto])
                with ordinality as e (id, type, version, payload, metadata, n)
          order by c.tx, c.position, e.n`,
};

/** Up to here one prepared query is the quicker way; whoever wants more and finds so many gets the rest by `COPY`. */
const queriedMax = 128;

/** As `readAll` of the port, from a place of this store. */
async function readFollowing(pool: Pool, from: Position, limit: number): Promise<StoredEvent[]> {
  const { tx, position } = placeOf(from);
  const index = position % placesPerAppend;
  const few = Math.min(limit, queriedMax);
  const events = await readEvents(pool, { ...allQuery, values: [tx, position - index, index + 1n, few] });
  const last = events.at(-1);
  if (last === undefined || events.length < few || few === limit) return events;
  return [...events, ...(await copyFollowing(pool, last.position, limit - few))];
}

async function copyFollowing(pool: Pool, from: Position, limit: number): Promise<StoredEvent[]> {
  const { tx, position } = placeOf(from);
  const index = position % placesPerAppend;
  const literal = (value: bigint | number) => `'${BigInt(value)}'`;
  return copyEvents(
    pool,
    chosenSql({
      tx: literal(tx),
      position: literal(position - index),
      index: literal(index + 1n),
      limit: `${literal(limit)}::bigint`,
    }),
  );
}

const tailQuery = {
  name: 'read_tail',
  text: `select tx, position + count - 1 as position from appends order by tx desc, appends.position desc limit 1`,
  values: [],
};

const holdsQuery = {
  name: 'holds_place',
  text: `select 1 from appends where (tx, position) = ($1::xid8, $2::bigint) and count > $3::integer`,
};

type Query = { readonly name: string; readonly text: string; readonly values: unknown[] };

/** False when the place is taken, or its predecessor is not there. */
async function insert(pool: Pool, stream: string, events: NewEvents, first: bigint): Promise<boolean> {
  assert(events.length <= placesPerAppend, `an append holds at most ${placesPerAppend} events`);
  const columns = areColumns(events) ? events : columnsOf(events);
  return sendAppend(pool, (client) => insertAppend(client, stream, first, columns));
}

async function query<Row extends object>(pool: Pool, config: Query): Promise<QueryResult<Row>> {
  try {
    return await pool.query<Row>(config);
  } catch (error) {
    throw asOperational(error);
  }
}

type EventRow = {
  tx: string;
  position: string;
  stream: string;
  revision: string;
  id: string;
  type: string;
  version: number;
  payload: Buffer;
  metadata: EventMetadata;
  recorded_at: Date;
};

async function readEvents(pool: Pool, config: Query): Promise<StoredEvent[]> {
  const { rows } = await query<EventRow>(pool, config);
  return rows.map((row) => ({
    stream: row.stream,
    revision: BigInt(row.revision),
    position: positionOf(row),
    id: row.id,
    type: row.type,
    version: row.version,
    payload: row.payload,
    metadata: row.metadata,
    recordedAt: row.recorded_at,
  }));
}

function positionOf(row: { tx: string; position: string }): Position {
  return `${row.tx}:${row.position}` as Position;
}

function placeOf(position: Position): { tx: bigint; position: bigint } {
  if (position === start) return { tx: 0n, position: 0n };
  const place = parsedPlace(position);
  assert(place !== undefined, `${position} is not a position of Postgres: is EVENT_STORE the one of before?`);
  return place;
}

function parsedPlace(position: Position): { tx: bigint; position: bigint } | undefined {
  const [, tx, place] = /^(\d+):(\d+)$/.exec(position) ?? [];
  return tx === undefined || place === undefined ? undefined : { tx: BigInt(tx), position: BigInt(place) };
}

/** Wakes the readers of this process at once, and listens for appends of others while there is a reader. */
function appendSignal(pool: Pool) {
  const readers = new Set<{ readonly wake: () => void }>();
  let listener: { stop(): Promise<void> } | undefined;
  const wake = () => {
    for (const reader of readers) reader.wake();
  };
  const close = async () => {
    readers.clear();
    const stopped = listener;
    listener = undefined;
    await stopped?.stop();
  };
  return {
    wake,
    close,
    add(wakeReader: () => void) {
      const reader = { wake: wakeReader };
      readers.add(reader);
      listener ??= listenForAppends(pool, wake);
      return {
        async stop() {
          readers.delete(reader);
          if (readers.size === 0) await close();
        },
      };
    },
  };
}
