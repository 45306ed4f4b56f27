/**
 * One event to each of several streams in one statement. Streams are apart: each append has its own outcome, as if they
 * had been made one by one. For many small streams, where a statement and a commit each would be most of the cost.
 */
import { isOperationalError } from '@daybook/core';
import type { Pool } from 'pg';
import { appendChannelSql } from './append-listener';
import { sendAppend } from './append-outcome';
import { assertAppendable } from './append-rule';
import { byteaArray, integerArray, textArray, uuidArray } from './binary-array';
import type { EventStore, StreamAppend } from './event-store';

/**
 * Whether each stands where it should. False when its place is taken, or not to be taken yet: reading the stream tells,
 * also whether it is a repeat, which may be told as either. Throws like `EventStore.append`; after `outcome_unknown` each stream is to be read.
 */
export async function appendEach(store: EventStore, appends: readonly StreamAppend[]): Promise<readonly boolean[]> {
  if (appends.length === 0) return [];
  return store.appendEach?.(appends) ?? Promise.all(appends.map((append) => appendOne(store, append)));
}

async function appendOne(store: EventStore, { stream, event, expected }: StreamAppend): Promise<boolean> {
  try {
    await store.append(stream, [event], expected);
    return true;
  } catch (error) {
    if (isOperationalError(error) && error.code === 'version_conflict') return false;
    throw error;
  }
}

// In the order of the streams, so that two of these wait for each other in one direction only.
const text = `with appended as (
    insert into appends (stream, first_revision, count, ids, types, versions, payloads, metadata)
    select stream, first, 1, array[id], array[type], array[version], array[payload], array[metadata]
      from unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::integer[], $6::bytea[], $7::json[])
           as e (stream, first, id, type, version, payload, metadata)
     where first = 0 or first - 1 = (
           select last_revision from appends a
            where a.stream = e.stream and a.first_revision < first order by a.first_revision desc limit 1)
     order by stream
    on conflict (stream, first_revision) do nothing
    returning stream
  )
  select stream, pg_notify(${appendChannelSql}, '') from appended`;

/** The port's `appendEach` on Postgres. Streams must differ. */
export async function appendEachOn(pool: Pool, appends: readonly StreamAppend[]): Promise<readonly boolean[]> {
  const events = appends.map(({ event }) => event);
  assertAppendable(events);
  const values = [
    textArray(appends.map(({ stream }) => stream)),
    appends.map(({ expected }) => (expected === 'no_stream' ? 0n : expected + 1n)),
    uuidArray(events.map(({ id }) => id)),
    textArray(events.map(({ type }) => type)),
    integerArray(events.map(({ version }) => version)),
    byteaArray(events.map(({ payload }) => payload)),
    textArray(
      events.map(({ metadata }) => JSON.stringify(metadata)),
      'json',
    ),
  ];
  const { rows } = await sendAppend(pool, (client) =>
    client.query<{ stream: string }>({ name: 'append_each', text, values }),
  );
  const appended = new Set(rows.map(({ stream }) => stream));
  return appends.map(({ stream }) => appended.has(stream));
}
