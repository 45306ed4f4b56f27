/**
 * One dedicated connection of the Postgres log: it listens for publications and holds the advisory locks by which the
 * members of a group share partitions. When it is lost, the server has let go of every lock and others may take them.
 */
import { sha256Hex, type Logger } from '@daybook/runtime';
import { Client, type QueryResultRow } from 'pg';
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

/** A statement here answers at once or the connection is not alive. */
const answerMs = 10_000;

export async function openSession(options: {
  readonly databaseUrl: string;
  readonly logger: Logger;
  onPublish(): void;
  onLost(): void;
}): Promise<LockSession> {
  const client = new Client({
    connectionString: options.databaseUrl,
    application_name: 'daybook messaging locks',
    keepAlive: true,
    connectionTimeoutMillis: answerMs,
    query_timeout: answerMs,
  });
  let lost = false;
  const lose = (error?: Error) => {
    if (lost) return;
    lost = true;
    if (error) options.logger.warn({ error }, 'connection of the message log lost');
    options.onLost();
  };
  client.on('error', lose);
  client.on('end', () => lose());
  client.on('notification', options.onPublish);
  await client.connect();
  await client.query(`listen ${channel}`);
  // A session may take its own lock twice, so what it holds is remembered here.
  const holding = new Set<string>();
  // The connection does one thing at a time.
  const queue = inTurn();
  const query = <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    queue(() => client.query<Row>(text, [...values]));

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
    async members() {
      // Locks with two keys have objsubid 2; the first key is shown unsigned.
      const { rows } = await query<{ group: string; members: number }>(
        `select classid::text as group, count(*)::int as members from pg_locks
         where locktype = 'advisory' and granted and objsubid = 2 and mode = 'ShareLock'
           and database = (select oid from pg_database where datname = current_database())
         group by classid`,
      );
      const counts = new Map(rows.map((row) => [row.group, row.members]));
      return (name) => counts.get(String(groupKey(name) >>> 0)) ?? 0;
    },
    async close() {
      lost = true;
      await client.end().catch(() => undefined);
    },
  };
}

function lockKey(name: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${sha256Hex(`daybook log ${name}`).slice(0, 16)}`));
}

function groupKey(name: string): number {
  return Number.parseInt(sha256Hex(`daybook log members ${name}`).slice(0, 8), 16) | 0;
}
