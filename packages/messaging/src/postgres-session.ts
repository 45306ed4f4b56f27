/**
 * One dedicated connection of the Postgres log: it listens for publications and holds the advisory locks by which the
 * members of a group share partitions. When it is lost, the server has let go of every lock and others may take them.
 */
import { sha256Hex, type Logger } from '@daybook/runtime';
import { Client, type QueryResult, type QueryResultRow } from 'pg';
import { inTurn } from './in-turn';
import { channel } from './postgres-log';

export type LockSession = {
  /** Takes the lock if nobody has it. */
  tryLock(name: string): Promise<boolean>;
  unlock(name: string): Promise<void>;
  /** Joins those counted by `members` under this name. `leave` undoes it. */
  join(name: string): Promise<{ leave(): Promise<void> }>;
  members(): Promise<(name: string) => number>;
  readonly lost: boolean;
  close(): Promise<void>;
};

const connectMs = 10_000;
/** A statement here answers at once or the connection is not alive. */
const answerMsDefault = 10_000;

export async function openSession(options: {
  readonly databaseUrl: string;
  readonly logger: Logger;
  onPublish(): void;
  onLost(): void;
  /** Less than the default in tests only. */
  readonly answerMs?: number;
}): Promise<LockSession> {
  const client = new Client({
    connectionString: options.databaseUrl,
    application_name: 'daybook messaging locks',
    keepAlive: true,
    connectionTimeoutMillis: connectMs,
    query_timeout: options.answerMs ?? answerMsDefault,
  });
  let lost = false;
  const lose = (error?: Error) => {
    if (lost) return;
    lost = true;
    if (error) options.logger.warn({ error }, 'connection of the message log lost');
    // A way that swallows everything closes nothing, and the server would keep what this session no longer knows of.
    void client.end();
    options.onLost();
  };
  client.on('error', lose);
  client.on('notification', options.onPublish);
  await client.connect();
  // Not before: whoever could not open it waits before trying again, and is not to be woken.
  client.on('end', () => lose());
  // A session may take its own lock twice, so what it holds is remembered here.
  const holding = new Set<string>();
  // The connection does one thing at a time.
  const queue = inTurn();
  const query: Query = (text, values = []) =>
    queue(() =>
      client.query(text, [...values]).catch((error: Error) => {
        // Whether the server did it is not known, and hence not what it holds.
        lose(error);
        throw error;
      }),
    );
  await query(`listen ${channel}`);

  return {
    get lost() {
      return lost;
    },
    async tryLock(name) {
      if (holding.has(name)) return false;
      const { rows } = await query<{ taken: boolean }>(`select pg_try_advisory_lock($1) as taken`, [lockKey(name)]);
      if (rows[0]?.taken !== true) return false;
      holding.add(name);
      return true;
    },
    async unlock(name) {
      if (lost) return;
      await query(`select pg_advisory_unlock($1)`, [lockKey(name)]);
      holding.delete(name);
    },
    async join(name) {
      const pair = [groupKey(name), Math.floor(Math.random() * 2 ** 31)];
      await query(`select pg_advisory_lock_shared($1, $2)`, pair);
      return {
        async leave() {
          if (!lost) await query(`select pg_advisory_unlock_shared($1, $2)`, pair);
        },
      };
    },
    members: () => countMembers(query),
    async close() {
      lost = true;
      await client.end().catch(() => undefined);
    },
  };
}

type Query = <Row extends QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<QueryResult<Row>>;

async function countMembers(query: Query): Promise<(name: string) => number> {
  // Locks with two keys have objsubid 2; the first key is shown unsigned.
  const { rows } = await query<{ group: string; members: number }>(
    `select classid::text as group, count(*)::int as members from pg_locks
     where locktype = 'advisory' and granted and objsubid = 2 and mode = 'ShareLock'
       and database = (select oid from pg_database where datname = current_database())
     group by classid`,
  );
  const counts = new Map(rows.map((row) => [row.group, row.members]));
  return (name) => counts.get(String(groupKey(name) >>> 0)) ?? 0;
}

function lockKey(name: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${sha256Hex(`daybook log ${name}`).slice(0, 16)}`));
}

function groupKey(name: string): number {
  return Number.parseInt(sha256Hex(`daybook log members ${name}`).slice(0, 8), 16) | 0;
}
