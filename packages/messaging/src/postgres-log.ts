/**
 * The statements of the Postgres log. A publication updates the rows of `partitions` that it writes to, in a fixed
 * order, and keeps them locked until it commits: offsets of a partition become visible in order, without gaps.
 */
import { assert } from '@daybook/core';
import { byteaArray, inTransaction, prepared, queryAll, textArray, type Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import { partitionOf } from './partition-of';
import type { Topic } from './topics';
import type { OutgoingMessage, PublishedTo, RawMessage } from './transport';

export const channel = 'daybook_messages';

/** Makes room for the declared topics. A topic never gets another number of partitions: its keys would move. */
export async function declarePartitions(pool: Pool, topics: readonly Topic[]): Promise<void> {
  const existing = await partitionCounts(pool, topics);
  for (const { name, partitions } of topics) {
    const found = existing.get(name) ?? partitions;
    assert(found === partitions, `topic ${name} has ${found} partitions, not ${partitions}`);
  }
  const places = topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ name, partition })),
  );
  await pool.query(
    `insert into partitions (topic, partition) select * from unnest($1::text[], $2::int[]) on conflict do nothing`,
    [places.map(({ name }) => name), places.map(({ partition }) => partition)],
  );
}

async function partitionCounts(pool: Pool, topics: readonly Topic[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ topic: string; partitions: number }>(
    `select topic, count(*)::int as partitions from partitions where topic = any($1) group by topic`,
    [topics.map(({ name }) => name)],
  );
  return new Map(rows.map(({ topic, partitions }) => [topic, partitions]));
}

type Publication = { readonly topic: string; readonly partition: number; readonly messages: OutgoingMessage[] };

function publication({ topic, partition, messages }: Publication): Sql {
  return {
    text: `with moved as (
             update partitions set next_offset = next_offset + cardinality($3::text[])
             where topic = $1 and partition = $2
             returning topic, partition, next_offset - cardinality($3::text[]) as first
           ), written as (
             insert into log (topic, partition, "offset", key, value, headers)
             select moved.topic, moved.partition, moved.first + m.place - 1, m.key, m.value, m.headers
             from moved, unnest($3::text[], $4::bytea[], $5::json[]) with ordinality as m(key, value, headers, place)
           )
           select first from moved`,
    values: [
      topic,
      partition,
      textArray(messages.map(({ key }) => key)),
      byteaArray(messages.map(({ value }) => value)),
      textArray(
        messages.map(({ headers }) => JSON.stringify(headers)),
        'json',
      ),
    ],
  };
}

const notification: Sql = { text: `notify ${channel}`, values: [] };

/** All of them in one transaction. */
export async function appendMessages(
  pool: Pool,
  topics: ReadonlyMap<string, Topic>,
  messages: readonly OutgoingMessage[],
): Promise<readonly PublishedTo[]> {
  const places = new Map<string, Publication>();
  for (const message of messages) {
    const partition = partitionOf(message.key, topics.get(message.topic)?.partitions ?? 1);
    const name = placeName(message.topic, partition);
    const place = places.get(name) ?? { topic: message.topic, partition, messages: [] };
    place.messages.push(message);
    places.set(name, place);
  }
  // NOTE: In one order everywhere. Two publications that lock the same partitions would otherwise deadlock.
  const ordered = [...places].sort(([a], [b]) => (a < b ? -1 : 1));
  const published: PublishedTo[] = [];
  await inTransaction(pool, async (tx) => {
    const answers = await queryAll(tx, [...ordered.map(([, place]) => publication(place)), notification]);
    for (const [index, [name, place]] of ordered.entries()) {
      const [moved] = (answers[index]?.rows ?? []) as readonly { first: string }[];
      assert(moved, `${name} is not there to be published to`);
      const first = BigInt(moved.first);
      const { topic, partition, messages: written } = place;
      published.push({ topic, partition, first, next: first + BigInt(written.length) });
    }
  });
  return published;
}

/** At most `limit`, and of no more bytes than `bytesMax` unless a single one has more. */
export async function readMessages(
  pool: Pool,
  place: { readonly topic: string; readonly partition: number },
  from: bigint,
  { limit, bytesMax }: { readonly limit: number; readonly bytesMax: number },
): Promise<readonly RawMessage[]> {
  type Row = { offset: string; key: string; value: Buffer; headers: Record<string, string> };
  const text = `select "offset", key, value, headers
     from (select "offset", key, value, headers,
                  sum(octet_length(value)) over (order by "offset") - octet_length(value) as bytes_before
           from log where topic = $1 and partition = $2 and "offset" >= $3 order by "offset" limit $4) as read
     where bytes_before = 0 or bytes_before + octet_length(value) <= $5 order by "offset"`;
  const { rows } = await pool.query<Row>(prepared(text, [place.topic, place.partition, from, limit, bytesMax]));
  return rows.map((row) => ({ ...place, ...row, offset: BigInt(row.offset) }));
}

/** Next offset to be written, by place. */
export async function readEnds(pool: Pool, topics: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
  const text = `select topic, partition, next_offset from partitions where topic = any($1)`;
  const { rows } = await pool.query<{ topic: string; partition: number; next_offset: string }>(
    prepared(text, [topics]),
  );
  return new Map(rows.map((row) => [placeName(row.topic, row.partition), BigInt(row.next_offset)]));
}

/** First offset that is there, by partition; the next one to be written where there is none. */
export async function readBegins(pool: Pool, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const text = `select partition,
                       coalesce((select min("offset") from log l where (l.topic, l.partition) = (p.topic, p.partition)),
                                next_offset) as first
                  from partitions p where topic = $1`;
  const { rows } = await pool.query<{ partition: number; first: string }>(prepared(text, [topic]));
  return new Map(rows.map(({ partition, first }) => [partition, BigInt(first)]));
}

export function placeName(topic: string, partition: number): string {
  return `${topic}/${String(partition).padStart(4, '0')}`;
}
