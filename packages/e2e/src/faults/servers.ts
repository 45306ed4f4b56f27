/** The servers that all runs of one harness share: Postgres and Kafka, each of which can be brought down and up again. */
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { embeddedPostgres } from '@daybook/embedded';
import { formatJvmBroker, runJvmBroker, stopJvmBroker, type BrokerDoor } from '@daybook/testing';
import type { Client } from 'pg';
import { withDatabase } from './journal';

const goneWithinMs = 20_000;

/** Small, because the disk is. A session that is cut off holds nothing for long. */
const postgresSettings = {
  max_connections: '300',
  max_wal_size: '96MB',
  min_wal_size: '32MB',
  checkpoint_timeout: '30s',
  tcp_keepalives_idle: '10',
};

export type Server = {
  /** Brings it up, on what it left behind. May be called when it is up. */
  start(): Promise<void>;
  /** `now`: without a chance to put anything in order. */
  stop(how: 'in order' | 'now'): Promise<void>;
};

export type PostgresServer = Server & {
  /** Of a database, for the harness itself. */
  url(database: string): string;
  /** How often its own log has it, since it was started. */
  logged(pattern: RegExp): number;
  /** One statement in the maintenance database. */
  statement(text: string): Promise<void>;
};

/** With its data in `directory`, which other accounts must be able to reach. */
export function postgresServer(directory: string, port: number): PostgresServer {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
  const server = embeddedPostgres({ directory: join(directory, 'postgres'), port, settings: postgresSettings });
  let pidFile: string | undefined;
  const url = (database: string) => Object.assign(new URL(server.url), { pathname: `/${database}` }).href;

  const withClient = <T>(work: (client: Client) => Promise<T>): Promise<T> => withDatabase(url('postgres'), work);

  return {
    url,
    async start() {
      await server.start();
      pidFile ??= await withClient(async (client) => {
        const { rows } = await client.query<{ data_directory: string }>('show data_directory');
        return join(rows[0]?.data_directory ?? '', 'postmaster.pid');
      });
    },
    async stop(how) {
      if (how === 'in order') return server.stop();
      const pid = pidOf(pidFile);
      if (pid === undefined) return;
      process.kill(pid, 'SIGQUIT');
      await untilGone(pid);
    },
    logged(pattern) {
      const log = join(dirname(dirname(pidFile ?? '')), 'server.log');
      return existsSync(log) ? [...readFileSync(log, 'utf8').matchAll(pattern)].length : 0;
    },
    statement: (text) => withClient(async (client) => void (await client.query(text))),
  };
}

function pidOf(file: string | undefined): number | undefined {
  try {
    return Number(readFileSync(file ?? '', 'utf8').split('\n')[0]) || undefined;
  } catch {
    return undefined;
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = performance.now() + goneWithinMs;
  while (performance.now() < deadline) {
    try {
      process.kill(pid, 0);
      // Nobody may be there to reap it.
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return;
    } catch {
      return;
    }
    await delay(10);
  }
  throw new Error(`process ${pid} does not end`);
}

export type KafkaServer = Server & { readonly broker: string };

/** `ports` of the broker and of its controller. */
export type KafkaPlaces = { readonly ports: readonly [number, number]; readonly doors: readonly BrokerDoor[] };

export async function kafkaServer(directory: string, { ports, doors }: KafkaPlaces): Promise<KafkaServer> {
  mkdirSync(directory, { recursive: true });
  const [broker, controller] = ports.map((port) => `127.0.0.1:${port}`) as [string, string];
  await formatJvmBroker(directory, { listens: broker, advertised: broker, controller, doors });
  let pid: number | undefined;
  return {
    broker,
    async start() {
      pid ??= await runJvmBroker(directory, broker);
    },
    async stop(how) {
      const ending = pid;
      pid = undefined;
      if (ending === undefined) return;
      if (how === 'in order') return stopJvmBroker(ending);
      process.kill(ending, 'SIGKILL');
      await untilGone(ending);
    },
  };
}
