/**
 * Waits until nothing is under way any more: every reader of a log stands at its end, and every consumer at the end of
 * each partition. Says what is not, when the time is over.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import type { openTransport } from '@daybook/messaging';
import type { Client } from 'pg';
import { withDatabase } from './journal';
import { schemaOf, services } from './services';

const pollMs = 100;
/** Once is chance: what stands still may be about to publish. */
const timesInARow = 3;

type Transport = ReturnType<typeof openTransport>;

/** Empty when it is quiet within the time. */
export async function untilQuiet(
  databaseUrl: string,
  transport: Transport,
  timeoutMs: number,
): Promise<readonly string[]> {
  const deadline = performance.now() + timeoutMs;
  return withDatabase(databaseUrl, async (client) => {
    let behind: readonly string[] = [];
    for (let quiet = 0; quiet < timesInARow && performance.now() < deadline;) {
      behind = [...(await readersBehind(client)), ...(await consumersBehind(client, transport).catch(notAsked))];
      quiet = behind.length === 0 ? quiet + 1 : 0;
      await delay(pollMs);
    }
    return behind;
  });
}

/** A broker that has just come back may not answer yet: then nothing is known to be quiet. */
function notAsked(error: unknown): readonly string[] {
  if (!isOperationalError(error)) throw error;
  return [`how far the consumers are cannot be asked: ${error.code}`];
}

async function readersBehind(client: Client): Promise<readonly string[]> {
  const perSchema = services.map(schemaOf).map(
    (schema) =>
      `select '${schema}' as schema, s.name, count(*)::int as left
       from ${schema}.subscriptions s join ${schema}.events e on (e.tx, e.position) > (
         (case s.position when 'start' then '0' else split_part(s.position, ':', 1) end)::xid8,
         (case s.position when 'start' then '0' else split_part(s.position, ':', 2) end)::bigint)
       group by s.name`,
  );
  const { rows } = await client.query<{ schema: string; name: string; left: number }>(perSchema.join(' union all '));
  return rows.map(({ schema, name, left }) => `${schema}: ${name} is ${left} events behind`);
}

async function consumersBehind(client: Client, transport: Transport): Promise<readonly string[]> {
  const perSchema = services.map(schemaOf).map(
    (schema) =>
      `select '${schema}' as schema, group_name, topic, jsonb_object_agg(partition, next_offset::text) as offsets
       from ${schema}.consumer_offsets group by group_name, topic`,
  );
  const { rows } = await client.query<{
    schema: string;
    group_name: string;
    topic: string;
    offsets: Record<string, string>;
  }>(perSchema.join(' union all '));
  const ends = new Map<string, ReadonlyMap<number, bigint>>();
  for (const topic of new Set(rows.map((row) => row.topic))) ends.set(topic, await transport.ends(topic));
  return rows.flatMap(({ group_name: group, topic, offsets }) =>
    [...(ends.get(topic) ?? [])]
      .map(([partition, end]) => ({ partition, left: end - BigInt(offsets[partition] ?? 0) }))
      .filter(({ left }) => left > 0n)
      .map(({ partition, left }) => `${group} is ${left} messages behind in ${topic}/${partition}`),
  );
}
