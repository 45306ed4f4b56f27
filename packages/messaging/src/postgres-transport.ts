/**
 * Transport on a log table in Postgres, for one machine. One loop keeps the connection that holds the locks, balances
 * partitions between members, and looks where the log ends; publications wake it, and a timer backs them up.
 */
import { OperationalError } from '@daybook/core';
import { migrate, openDatabase, type MigrationSource } from '@daybook/event-store';
import { createAlarm, type Logger } from '@daybook/runtime';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { backoffMs } from './backoff';
import { inTurn } from './in-turn';
import { appendMessages, declarePartitions, placeName, readBegins, readEnds, readMessages } from './postgres-log';
import { createMember, type Member } from './postgres-member';
import { openSession, type LockSession } from './postgres-session';
import { batchesOf, byName } from './publishable';
import { lastOfEach } from './published-to';
import type { Topic } from './topics';
import type { PublishedTo, Transport } from './transport';

const schema = 'messaging';
const logMigrations: MigrationSource = { name: 'message-log', directory: join(__dirname, '../migrations/log') };

const poolMax = 4;
/** How long a publication may go unseen without its notification, and a dead member's partitions unserved. */
const roundMs = 500;

type Options = { readonly databaseUrl: string; readonly logger: Logger; readonly topics: readonly Topic[] };

export function postgresTransport({ databaseUrl, logger, topics }: Options): Transport {
  const declared = byName(topics);
  const onError = (error: Error) => logger.warn({ error }, 'idle connection of the message log lost');
  const pool = openDatabase({ url: databaseUrl, schema, poolMax, onError });
  const loop = createLoop({ databaseUrl, logger, topics }, pool);
  const log = {
    read: readMessages.bind(undefined, pool),
    end: loop.end,
    endNow: async (topic: string, partition: number) =>
      (await readEnds(pool, [topic])).get(placeName(topic, partition)) ?? 0n,
  };
  const publication = inTurn();

  return {
    name: 'postgres log',
    async start() {
      await migrate(pool, schema, [logMigrations], logger);
      await declarePartitions(pool, topics);
      loop.start();
    },
    async stop() {
      await loop.stop();
      if (!pool.ending) await pool.end();
    },
    async publish(messages) {
      const batches = batchesOf(messages, declared);
      return publication(async () => {
        const published: PublishedTo[] = [];
        for (const batch of batches) published.push(...(await reaching(appendMessages(pool, declared, batch))));
        return lastOfEach(published);
      });
    },
    async consume(options) {
      const member = createMember(log, logger, partitionsOf(declared, options.topic), options);
      loop.add(member);
      return { stop: () => loop.remove(member) };
    },
    async ends(topic) {
      const found = await reaching(readEnds(pool, [topic]));
      const partitions = Array.from({ length: partitionsOf(declared, topic) }, (_, partition) => partition);
      return new Map(partitions.map((partition) => [partition, found.get(placeName(topic, partition)) ?? 0n]));
    },
    begins: (topic) => reaching(readBegins(pool, topic)),
  };
}

function createLoop({ databaseUrl, logger, topics }: Options, pool: Pool) {
  const names = topics.map(({ name }) => name);
  const members = new Set<Member>();
  const alarm = createAlarm();
  let ends: ReadonlyMap<string, bigint> = new Map();
  let running: Promise<void> | undefined;
  let stopping = false;
  let balanceAt = 0;

  async function round(session: LockSession): Promise<void> {
    if (performance.now() >= balanceAt) {
      balanceAt = performance.now() + roundMs;
      const counts = await session.members();
      for (const member of members) await member.balance(session, counts);
    }
    if (members.size === 0) return;
    ends = await readEnds(pool, names);
    for (const member of members) member.wake();
  }

  function open(): Promise<LockSession> {
    const onLost = () => {
      for (const member of members) member.release();
      alarm.ring();
    };
    return openSession({ databaseUrl, logger, onPublish: alarm.ring, onLost });
  }

  async function run(): Promise<void> {
    let session: LockSession | undefined;
    for (let failures = 0; !stopping;) {
      try {
        if (session === undefined || session.lost) session = await open();
        await round(session);
        failures = 0;
        await alarm.wait(roundMs);
      } catch (error) {
        logger.warn({ error, failures }, 'message log not reachable; trying again');
        await alarm.wait(backoffMs(failures++, { firstMs: 100, maxMs: 5_000 }));
      }
    }
    await Promise.all([...members].map((member) => member.stop()));
    await session?.close();
  }

  return {
    start() {
      running = run();
    },
    async stop() {
      stopping = true;
      alarm.ring();
      await running;
    },
    end: (topic: string, partition: number) => ends.get(placeName(topic, partition)) ?? 0n,
    add(member: Member) {
      members.add(member);
      balanceAt = 0;
      alarm.ring();
    },
    async remove(member: Member) {
      members.delete(member);
      await member.stop();
    },
  };
}

function partitionsOf(topics: ReadonlyMap<string, Topic>, topic: string): number {
  const found = topics.get(topic);
  if (found === undefined) throw new Error(`topic ${topic} is not declared`);
  return found.partitions;
}

async function reaching<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && error.name === 'AssertionError') throw error;
    throw new OperationalError('broker_unavailable', true, { cause: error });
  }
}
