/**
 * What ours is compared with, on the same server in the same run:
 *
 *   L_row     rows a second by COPY BINARY, serialised beforehand, 1,000 per commit, one connection that always has the
 *             next batch at hand, one stream, one row per event
 *   L_packed  the same events with one row per 1,000
 *   L_read    events a second by COPY BINARY of (position, payload) and JSON.parse
 *   C1        median time of a commit of one row by a prepared INSERT
 */
import { assert } from '@daybook/core';
import { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import type { NewEvent } from '@daybook/event-store';
import { openLoad } from './load';
import { percentile } from './measure';
import { packedBatch, rowBatch, type Batch, type RowBatch } from './row-copy';

const perCommit = 1_000;
const warmMs = 1_000;
const rowColumns = 'stream, revision, id, version, type, payload, metadata';
const copyRows = `copy rows (${rowColumns}) from stdin binary`;

const rowTable = `
  create table rows (
    tx xid8 not null default pg_current_xact_id(),
    position bigint generated always as identity primary key,
    revision bigint not null,
    recorded_at timestamptz not null default clock_timestamp(),
    id uuid not null,
    version integer not null,
    stream text collate "C" not null,
    type text collate "C" not null,
    payload bytea not null,
    metadata json not null,
    unique (stream, revision)
  )`;

const packedTable = `
  create table packed (
    tx xid8 not null default pg_current_xact_id(),
    position bigint generated always as identity primary key,
    recorded_at timestamptz not null default clock_timestamp(),
    stream text collate "C" not null,
    first_revision bigint not null,
    last_revision bigint not null,
    count integer not null,
    ids uuid[] not null,
    versions integer[] not null,
    types text[] not null,
    payloads bytea[] not null,
    metadata json[] not null,
    unique (stream, first_revision)
  );
  alter table packed alter column payloads set storage external, alter column ids set storage external,
    alter column types set storage external, alter column versions set storage external,
    alter column metadata set storage external`;

export type Yardsticks = {
  /** Rows a second. */
  rows(seconds: number): Promise<number>;
  packed(seconds: number): Promise<number>;
  /** Milliseconds. */
  commit(seconds: number): Promise<number>;
  /** Milliseconds, the 99th percentile: rows that come by the clock, those that wait with one COPY. */
  open(perSecond: number, seconds: number): Promise<number>;
  /** Fills the table that `read` reads. */
  fillRows(events: number): Promise<void>;
  /** Events a second. */
  read(): Promise<number>;
  close(): Promise<void>;
};

/** `events` are what a book would store, at least one commit's worth. */
export async function openYardsticks(url: string, events: readonly NewEvent[]): Promise<Yardsticks> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const batches = inBatches(events).map((batch) => rowBatch('yardstick', batch));
  const packs = inBatches(events).map((batch) => packedBatch('yardstick', batch));
  const renew = async (table: 'rows' | 'packed', ddl: string) => {
    await client.query(`drop table if exists ${table}`);
    await client.query(ddl);
    await client.query('checkpoint');
  };
  return {
    async rows(seconds) {
      await renew('rows', rowTable);
      const { rate, copied } = await copyFor(client, copyRows, batches, seconds);
      const { rows } = await client.query<{ count: string }>('select count(*) from rows');
      assert(Number(rows[0]!.count) === copied, `${rows[0]!.count} of ${copied} rows are there`);
      return rate;
    },
    async packed(seconds) {
      await renew('packed', packedTable);
      const columns = 'stream, first_revision, last_revision, count, ids, versions, types, payloads, metadata';
      const { rate, copied } = await copyFor(client, `copy packed (${columns}) from stdin binary`, packs, seconds);
      const { rows } = await client.query<{ count: string }>('select sum(count) as count from packed');
      assert(Number(rows[0]!.count) === copied, `${rows[0]!.count} of ${copied} events are there`);
      return rate;
    },
    async commit(seconds) {
      await renew('rows', rowTable);
      return commitFor(client, events, seconds);
    },
    async open(perSecond, seconds) {
      await renew('rows', rowTable);
      return openFor(client, batches[0]!, perSecond, seconds);
    },
    async fillRows(count) {
      await renew('rows', rowTable);
      let copied = 0;
      for (let at = 0; copied < count; at++) {
        const batch = batches[at % batches.length]!;
        batch.renumber(BigInt(copied));
        await copyBatch(client, copyRows, batch.bytes);
        copied += batch.events;
      }
      await client.query('vacuum (analyze) rows');
    },
    read: () => readAll(client),
    close: () => client.end(),
  };
}

function inBatches(events: readonly NewEvent[]): NewEvent[][] {
  const count = Math.floor(events.length / perCommit);
  assert(count > 0, 'fewer events than one commit takes');
  return Array.from({ length: count }, (_, index) => events.slice(index * perCommit, (index + 1) * perCommit));
}

/** Always has two batches at the connection, so that the server never waits for the next one. */
async function copyFor(
  client: Client,
  statement: string,
  batches: readonly Batch[],
  seconds: number,
): Promise<{ readonly rate: number; readonly copied: number }> {
  let copied = 0;
  let sent = 0;
  let counted = 0;
  let from = 0;
  let until = 0;
  const begun = performance.now();
  const worker = async () => {
    for (;;) {
      const now = performance.now();
      if (now - begun > warmMs + seconds * 1_000) return;
      const batch = batches[sent++ % batches.length]!;
      batch.renumber(BigInt(sent) * BigInt(perCommit));
      await copyBatch(client, statement, batch.bytes);
      copied += batch.events;
      until = performance.now();
      if (until - begun < warmMs) from = until;
      else counted += batch.events;
    }
  };
  await Promise.all([worker(), worker()]);
  return { rate: (counted / (until - from)) * 1_000, copied };
}

function copyBatch(client: Client, statement: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.query(copyFrom(statement));
    stream.once('error', reject).once('finish', () => resolve());
    stream.end(bytes);
  });
}

/** What comes meanwhile goes together with the next COPY, which begins once the one before it is durable. */
async function openFor(client: Client, batch: RowBatch, perSecond: number, seconds: number): Promise<number> {
  let copied = 0;
  let waiting = 0;
  let durable = Promise.resolve();
  const copyWaiting = () => {
    const rows = Math.min(waiting, batch.events);
    waiting -= rows;
    batch.renumber(BigInt(copied));
    copied += rows;
    return copyBatch(client, copyRows, batch.first(rows));
  };
  const send = () => {
    if (waiting % batch.events === 0) durable = durable.then(copyWaiting);
    waiting += 1;
    return durable;
  };
  const { p99, dropped } = await openLoad({ send, perSecond, seconds });
  assert(dropped === 0, `${dropped} rows were not copied`);
  return p99;
}

async function commitFor(client: Client, events: readonly NewEvent[], seconds: number): Promise<number> {
  const times: number[] = [];
  const begun = performance.now();
  for (let revision = 0; ; revision++) {
    const { type, version, payload, metadata } = events[revision % events.length]!;
    const sent = performance.now();
    if (sent - begun > warmMs + seconds * 1_000) return percentile(times, 0.5);
    await client.query({
      name: 'insert_row',
      text: `insert into rows (${rowColumns}) values ($1, $2, gen_random_uuid(), $3, $4, $5, $6)`,
      values: ['yardstick', revision, version, type, payload, metadata],
    });
    if (sent - begun > warmMs) times.push(performance.now() - sent);
  }
}

async function readAll(client: Client): Promise<number> {
  const begun = performance.now();
  let events = 0;
  let length = 0;
  let rest: Buffer = Buffer.alloc(0);
  let offset = 19;
  // In the order of the heap: an ordered read would be slower.
  await pipeline(client.query(copyTo('copy (select position, payload from rows) to stdout binary')), async (chunks) => {
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      // A row: its number of fields, the length and bytes of the position, the length and bytes of the payload.
      while (offset + 18 <= bytes.length) {
        const size = bytes.readInt32BE(offset + 14);
        const end = offset + 18 + size;
        if (end > bytes.length) break;
        const event = JSON.parse(bytes.toString('utf8', offset + 18, end)) as object;
        length += event === null ? 0 : 1;
        events += 1;
        offset = end;
      }
      rest = bytes.subarray(offset);
      offset = 0;
    }
  });
  assert(length === events, 'not all payloads are objects');
  return (events / (performance.now() - begun)) * 1_000;
}
