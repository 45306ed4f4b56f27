import type { Transport } from '@daybook/messaging';
import { eventually } from '@daybook/testing';
import { Client, type QueryResultRow } from 'pg';

const timeoutMs = 90_000;

/** Services whose state other services' messages change. Of the ledger also the schemas of its read models. */
const consuming = /^(ledger(_g\d+)?|intents|settlement|notifications)$/;
/** Places in topics, which differ though nothing else does, and work that its owner repeats by the clock. */
const notState = new Set(['consumer_offsets', 'relay_places', 'jobs', 'delivery_leases']);
/** Tables that also hold a place or a time of that kind: what else they hold. */
const statements: Readonly<Record<string, string>> = {
  inbox: 'select group_name, message_id',
  subscriptions: `select name, version, position, applied_count, applied_hash`,
};

type Query = <Row extends QueryResultRow>(text: string) => Promise<readonly Row[]>;

export async function onDatabase<T>(url: string, work: (query: Query) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(async <Row extends QueryResultRow>(text: string) => (await client.query<Row>(text)).rows);
  } finally {
    await client.end();
  }
}

/** Resolves when all relays have published all events, and all groups have handled or parked all messages. */
export async function untilHandled(url: string, transport: Transport): Promise<void> {
  await onDatabase(url, (query) =>
    eventually(
      async () => {
        expect(await unpublished(query)).toEqual([]);
        expect(await unhandled(query, transport)).toEqual([]);
        // What was handled last may have appended.
        expect(await unpublished(query)).toEqual([]);
      },
      { timeoutMs },
    ),
  );
}

/** By table, what services know, when nothing is under way any more. Two that are equal are the same in every row. */
export async function stateOf(url: string, transport: Transport): Promise<Readonly<Record<string, string>>> {
  let last: Readonly<Record<string, string>> = {};
  return eventually(
    async () => {
      await untilHandled(url, transport);
      const before = last;
      last = await onDatabase(url, dump);
      expect(before).toEqual(last);
      return last;
    },
    { timeoutMs },
  );
}

async function dump(query: Query): Promise<Readonly<Record<string, string>>> {
  const tables = await query<{ schema: string; name: string }>(
    `select table_schema as schema, table_name as name from information_schema.tables where table_type = 'BASE TABLE'`,
  );
  const state: Record<string, string> = {};
  for (const { schema, name } of tables.filter((one) => consuming.test(one.schema) && !notState.has(one.name))) {
    const where = name === 'subscriptions' ? `where not starts_with(name, 'relay ')` : '';
    const [row] = await query<{ count: string; hash: string }>(
      `select count(*)::text as count, coalesce(md5(string_agg(row::text, e'\\n' order by row::text)), '') as hash
       from (${statements[name] ?? 'select *'} from ${schema}.${name} ${where}) as row`,
    );
    state[`${schema}.${name}`] = `${row?.count} rows ${row?.hash}`;
  }
  return state;
}

async function schemasWith(query: Query, table: string): Promise<readonly string[]> {
  const rows = await query<{ schema: string }>(
    `select table_schema as schema from information_schema.tables where table_name = '${table}'`,
  );
  return rows.map(({ schema }) => schema);
}

/** Relays that have not come to the end of their logs. */
async function unpublished(query: Query): Promise<readonly string[]> {
  const behind: string[] = [];
  for (const schema of await schemasWith(query, 'relay_places')) {
    const rows = await query<{ name: string; applied: string; events: string }>(
      `select name, applied_count::text as applied, (select coalesce(sum(count), 0)::text from ${schema}.appends) as events
       from ${schema}.subscriptions where starts_with(name, 'relay ')`,
    );
    behind.push(...rows.filter(({ applied, events }) => applied !== events).map(({ name }) => name));
  }
  return behind;
}

async function unhandled(query: Query, transport: Transport): Promise<readonly string[]> {
  const behind: string[] = [];
  for (const schema of await schemasWith(query, 'consumer_offsets')) {
    const places = await query<{ group: string; topic: string; partition: number; next: string }>(
      `select group_name as group, topic, partition, next_offset::text as next from ${schema}.consumer_offsets`,
    );
    const groups = new Map(places.map(({ group, topic }) => [`${group} ${topic}`, { group, topic }]));
    for (const { group, topic } of groups.values()) {
      for (const [partition, end] of await transport.ends(topic)) {
        const place = places.find((one) => one.group === group && one.topic === topic && one.partition === partition);
        if (end !== BigInt(place?.next ?? 0))
          behind.push(`${group} at ${place?.next} of ${topic}/${partition} to ${end}`);
      }
    }
  }
  return behind;
}
