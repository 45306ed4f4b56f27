/**
 * What stays over many runs, because it takes seconds to come up: Postgres, Kafka, the links between all that speak to each
 * other, the keys, and a database whose tables are made. A run gets a copy of that database and empty topics.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadSecrets } from '@daybook/standalone';
import { applyTopics } from '@daybook/messaging';
import { createLogger } from '@daybook/runtime';
import { emptyBroker } from '@daybook/testing';
import { composeProgram, repositoryRoot } from '../compose-programs';
import { fullableDisk, type Disk } from './disk';
import { openLink, type Link } from './link';
import { kafkaServer, postgresServer, type KafkaServer, type PostgresServer } from './servers';
import { calls, services, type ServiceName } from './services';

export type Secrets = Awaited<ReturnType<typeof loadSecrets>>;

/** Below those that the system gives to whoever asks for any: a server that is down must find its own free again. */
const portsFrom = 20_000;
const portsTo = 31_000;
const templateDatabase = 'faults_template';

export type Lab = {
  /** Of logs and keys. */
  readonly directory: string;
  readonly secrets: Secrets;
  readonly postgres: PostgresServer;
  readonly kafka: KafkaServer;
  /** Undefined where no disk of our own is to be had. */
  readonly disk: Disk | undefined;
  /** By `from>to`, such as `gateway>ledger`, `ledger>postgres`, `clients>gateway`. */
  readonly links: ReadonlyMap<string, Link>;
  readonly ports: ReadonlyMap<ServiceName, number>;
  /** All links open, all servers up, room on the disk: whatever the run before has left. */
  heal(): Promise<void>;
  /** A fresh database and empty topics. */
  prepare(database: string): Promise<void>;
  /** Keeps the tables of the database, which nobody may be connected to, for all that are prepared after. */
  keepAsTemplate(database: string): Promise<void>;
  drop(database: string): Promise<void>;
  close(): Promise<void>;
};

export async function openLab(): Promise<Lab> {
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const each of closing.splice(0).reverse()) await each();
  };
  try {
    const directory = mkdtempSync(join(process.env['FAULTS_WORK'] ?? tmpdir(), 'daybook-lab-'));
    chmodSync(directory, 0o755);
    closing.push(async () => rmSync(directory, { recursive: true, force: true }));
    const port = await ports();
    const postgresPort = await port();
    const kafkaPorts = [await port(), await port()] as const;
    const own = new Map<ServiceName, number>();
    for (const service of services) own.set(service, await port());

    const links = new Map<string, Link>();
    const connected = async (name: string, target: number) => {
      const link = await openLink(name, await port(), { port: target });
      links.set(name, link);
      closing.push(() => link.close());
      return link;
    };
    const doors = [];
    for (const service of services) {
      await connected(`${service}>postgres`, postgresPort);
      const door = await port();
      const { port: advertised } = await connected(`${service}>kafka`, door);
      const name = service.toUpperCase().replaceAll('-', '_');
      doors.push({ name, listens: `127.0.0.1:${door}`, advertised: `127.0.0.1:${advertised}` });
    }
    for (const [from, to] of calls) await connected(`${from}>${to}`, own.get(to) ?? 0);

    const disk = fullableDisk();
    const postgres = postgresServer(disk?.directory ?? join(directory, 'disk'), postgresPort);
    closing.push(() => postgres.stop('in order'));
    const kafka = await kafkaServer(join(directory, 'kafka'), { ports: kafkaPorts, doors });
    closing.push(() => kafka.stop('now'));
    await Promise.all([postgres.start(), kafka.start()]);
    const secrets = await makeSecrets(directory);
    const heal = async () => {
      for (const link of links.values()) link.set({ is: 'open' });
      disk?.free();
      await Promise.all([postgres.start(), kafka.start()]);
    };
    return { directory, secrets, postgres, kafka, disk, links, ports: own, heal, close, ...databases(postgres, kafka) };
  } catch (error) {
    await close();
    throw error;
  }
}

function databases(postgres: PostgresServer, kafka: KafkaServer): Pick<Lab, 'prepare' | 'keepAsTemplate' | 'drop'> {
  let template = 'template0';
  const drop = (database: string) => postgres.statement(`drop database if exists ${database} with (force)`);
  return {
    drop,
    async prepare(database) {
      await Promise.all([
        drop(database).then(() => postgres.statement(`create database ${database} template ${template}`)),
        emptyTopics(kafka.broker),
      ]);
    },
    async keepAsTemplate(database) {
      await drop(templateDatabase);
      await postgres.statement(`alter database ${database} rename to ${templateDatabase}`);
      template = templateDatabase;
    },
  };
}

async function emptyTopics(broker: string): Promise<void> {
  await emptyBroker(broker);
  const logger = createLogger({ service: 'faults', level: 'silent' });
  await applyTopics({ brokers: [broker], clientId: 'faults', logger, replicationFactor: 1 });
}

/** As the first start of the distributed form makes them. */
async function makeSecrets(home: string): Promise<Secrets> {
  const places = { home, databaseUrl: '', broker: '', urlOf: () => undefined };
  const { script, args } = composeProgram('secrets', places);
  mkdirSync(home, { recursive: true });
  await promisify(execFile)(process.execPath, [join(repositoryRoot, script), ...args]);
  return loadSecrets(home);
}

/** Gives another free port at each call. */
async function ports(): Promise<() => Promise<number>> {
  let next = portsFrom + Math.floor(Math.random() * (portsTo - portsFrom - 1_000));
  return async () => {
    while (!(await isFree(++next))) if (next > portsTo) next = portsFrom;
    return next;
  };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
