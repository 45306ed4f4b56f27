/**
 * Waits until nothing is under way any more: every reader of a log stands at its end, and every consumer at the end of
 * each partition. Says what is not, when the time is over.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import type { openTransport } from '@daybook/messaging';
import type { Client } from 'pg';
import { withDatabase } from './journal';
import { consumerGroups, schemaOf, services } from './services';

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
  return withDatabase(databaseUrl, (client) =>
    untilNone(
      async () => [...(await readersBehind(client)), ...(await consumersBehind(client, transport).catch(notAsked))],
      timeoutMs,
    ),
  );
}

/** What the last look found, or empty when several in a row found nothing. */
export async function untilNone(look: () => Promise<readonly string[]>, timeoutMs: number): Promise<readonly string[]> {
  const deadline = performance.now() + timeoutMs;
  let found: readonly string[] = ['not looked at'];
  for (let none = 0; none < timesInARow;) {
    if (performance.now() >= deadline) return found.length > 0 ? found : [`quiet only ${none} times in a row`];
    found = await look();
    none = found.length === 0 ? none + 1 : 0;
    await delay(pollMs);
  }
  return [];
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
      `select group_name as "group", topic, jsonb_object_agg(partition, next_offset::text) as offsets
       from ${schema}.consumer_offsets group by group_name, topic`,
  );
  const { rows } = await client.query<Offsets>(perSchema.join(' union all '));
  const ends = new Map<string, ReadonlyMap<number, bigint>>();
  for (const { topic } of [...consumerGroups, ...rows]) {
    if (!ends.has(topic)) ends.set(topic, await transport.ends(topic));
  }
  return groupsBehind(rows, ends);
}

export type Offsets = {
  readonly group: string;
  readonly topic: string;
  readonly offsets: Readonly<Record<string, string>>;
};

/** A group that has stored no place has read nothing. */
export function groupsBehind(
  stored: readonly Offsets[],
  ends: ReadonlyMap<string, ReadonlyMap<number, bigint>>,
): readonly string[] {
  const isStored = ({ group, topic }: { group: string; topic: string }) =>
    stored.some((each) => each.group === group && each.topic === topic);
  const without = consumerGroups.filter((each) => !isStored(each)).map((each) => ({ ...each, offsets: {} }));
  return [...stored, ...without].flatMap(({ group, topic, offsets }: Offsets) =>
    [...(ends.get(topic) ?? [])]
      .map(([partition, end]) => ({ partition, left: end - BigInt(offsets[partition] ?? 0) }))
      .filter(({ left }) => left > 0n)
      .map(({ partition, left }) => `${group} is ${left} messages behind in ${topic}/${partition}`),
  );
}
