/**
 * The port on Postgres: table `events` of the schema that the pool's search_path names.
 *
 * Order: readers follow (tx, position) and stop below the oldest transaction still open, so no event commits behind
 * them. Within a stream this is the order of revisions, because writers of one stream wait for each other on the unique
 * (stream, revision). Idempotency: an append that finds its place taken compares what stands there with what it brought.
 */
import { assert, AssertionError, OperationalError } from '@daybook/core';
import type { Pool, PoolClient, QueryResult } from 'pg';
import { appendChannelSql, listenForAppends } from './append-listener';
import { assertAppendable, settleRepeat } from './append-rule';
import { binaryArray, elementType, integerBytes, uuidBytes } from './binary-array';
import { withConnection } from './database';
import {
  start,
  type EventMetadata,
  type EventStore,
  type NewEvent,
  type Position,
  type StoredEvent,
} from './event-store';
import { asOperational, isConnectionLoss } from './operational';

export function postgresEventStore(pool: Pool): EventStore {
  const appends = appendSignal(pool);

  const readStream: EventStore['readStream'] = async (stream, { from = 0n, limit } = {}) =>
    readEvents(pool, { ...streamQuery, values: [stream, from, limit ?? null] });

  return {
    async append(stream, events, expected) {
      assertAppendable(events);
      const first = expected === 'no_stream' ? 0n : expected + 1n;
      const inserted = await insert(pool, stream, events, first);
      if (inserted === 'done') {
        appends.wake();
        return { revision: first + BigInt(events.length) - 1n };
      }
      const existing = await readStream(stream, { from: first, limit: events.length });
      if (inserted === 'id_taken' && existing.length === 0) throw new AssertionError('event id exists elsewhere');
      return settleRepeat(existing, events, first);
    },
    readStream,
    async readAll(from, limit) {
      const { tx, position } = placeOf(from);
      return readEvents(pool, { ...allQuery, values: [tx, position, limit] });
    },
    async tail() {
      const { rows } = await query<{ tx: string; position: string }>(pool, tailQuery);
      return rows[0] ? positionOf(rows[0]) : start;
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

const insertQuery = {
  name: 'append_events',
  // A place whose predecessor is missing takes nothing, which makes an expected revision ahead of the stream a conflict.
  text: `with appended as (
           insert into events (stream, revision, id, type, version, payload, metadata)
           select $1::text, $2::bigint + event.n - 1, event.id, event.type, event.version, event.payload, event.metadata
             from unnest($3::uuid[], $4::text[], $5::integer[], $6::bytea[], $7::json[])
                  with ordinality as event (id, type, version, payload, metadata, n)
            where $2::bigint = 0 or exists (select from events where stream = $1::text and revision = $2::bigint - 1)
            order by event.n
           returning 1
         )
         select count(*)::integer as appended, pg_notify(${appendChannelSql}, '') from appended`,
};

const columns = 'tx, position, stream, revision, id, type, version, payload, metadata, recorded_at';

const streamQuery = {
  name: 'read_stream',
  text: `select ${columns} from events where stream = $1 and revision >= $2 order by revision limit $3`,
};

const allQuery = {
  name: 'read_all',
  text: `select ${columns} from events
          where (tx, position) > ($1::xid8, $2::bigint) and tx < pg_snapshot_xmin(pg_current_snapshot())
          order by tx, position limit $3`,
};

const tailQuery = {
  name: 'read_tail',
  text: `select tx, position from events order by tx desc, position desc limit 1`,
  values: [],
};

type Query = { readonly name: string; readonly text: string; readonly values: unknown[] };
type Inserted = 'done' | 'place_taken' | 'id_taken';

async function insert(pool: Pool, stream: string, events: readonly NewEvent[], first: bigint): Promise<Inserted> {
  const values = [
    stream,
    first,
    binaryArray(
      elementType.uuid,
      events.map(({ id }) => uuidBytes(id)),
    ),
    binaryArray(
      elementType.text,
      events.map(({ type }) => Buffer.from(type)),
    ),
    binaryArray(
      elementType.integer,
      events.map(({ version }) => integerBytes(version)),
    ),
    binaryArray(
      elementType.bytea,
      events.map(({ payload }) => payload),
    ),
    binaryArray(
      elementType.json,
      events.map(({ metadata }) => Buffer.from(JSON.stringify(metadata))),
    ),
  ];
  let sent = false;
  try {
    return await withConnection(pool, async (client) => {
      sent = true;
      return insertOn(client, values);
    });
  } catch (error) {
    if (sent && isConnectionLoss(error)) throw new OperationalError('outcome_unknown', true, { cause: error });
    throw asOperational(error);
  }
}

async function insertOn(client: PoolClient, values: unknown[]): Promise<Inserted> {
  try {
    const { rows } = await client.query<{ appended: number }>({ ...insertQuery, values });
    return rows[0]?.appended === 0 ? 'place_taken' : 'done';
  } catch (error) {
    const { code, constraint } = error as { code?: string; constraint?: string };
    if (code !== '23505') throw error;
    return constraint === 'events_id_key' ? 'id_taken' : 'place_taken';
  }
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
  const [, tx, place] = /^(\d+):(\d+)$/.exec(position) ?? [];
  assert(tx !== undefined && place !== undefined, `${position} is not a position of this store`);
  return { tx: BigInt(tx), position: BigInt(place) };
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
