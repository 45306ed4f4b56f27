/**
 * The Apache Kafka broker on the local JVM: one node in KRaft mode, from Maven Central by `infra/kafka/pom.xml`, with
 * its data in a directory that goes when it stops.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually';

const run = promisify(execFile);

const pom = join(__dirname, '../../../infra/kafka/pom.xml');
const fetchTimeoutMs = 300_000;
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 15_000;

export type JvmBroker = { readonly broker: string; readonly pid: number };

/** Whether there is a JVM, and the broker or the means to fetch it. */
export function jvmKafkaIsPossible(): boolean {
  return onPath('java') && (existsSync(jarsDirectory()) || onPath('mvn'));
}

/** Starts a broker that outlives this process, with its files under `directory`. */
export async function startJvmBroker(directory: string): Promise<JvmBroker> {
  const [port, controllerPort] = await freePorts(2);
  const broker = `127.0.0.1:${port}`;
  await formatJvmBroker(directory, { listens: broker, controller: `127.0.0.1:${controllerPort}`, advertised: broker });
  return { broker, pid: await runJvmBroker(directory, broker) };
}

export type BrokerAddresses = {
  readonly listens: string;
  readonly controller: string;
  /** Where clients are sent. */
  readonly advertised: string;
  /** More doors to it, each with its own place where clients are sent. */
  readonly doors?: readonly BrokerDoor[];
};

/** The name is of capitals and underscores. */
export type BrokerDoor = { readonly name: string; readonly listens: string; readonly advertised: string };

/** A new cluster, without data. */
export async function formatJvmBroker(directory: string, addresses: BrokerAddresses): Promise<void> {
  const properties = join(directory, 'server.properties');
  await writeFile(properties, settings(directory, addresses));
  // One argument: on its own, an id that starts with a dash (one in 64 does) would be taken for an option.
  const cluster = `--cluster-id=${randomBytes(16).toString('base64url')}`;
  await run('java', [...(await javaArguments()), 'kafka.tools.StorageTool', 'format', cluster, '-c', properties]);
}

async function javaArguments(): Promise<readonly string[]> {
  return ['-Xmx512m', '-Xms128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(await fetchJars(), '*')];
}

/** Runs what was formatted, until it answers at the address. Returns its process id. */
export async function runJvmBroker(directory: string, address: string): Promise<number> {
  const child = spawn('java', [...(await javaArguments()), 'kafka.Kafka', join(directory, 'server.properties')], {
    cwd: directory,
    detached: true,
    stdio: 'ignore',
  });
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  child.once('exit', (code) => (failure ??= new Error(`the Kafka broker ended with code ${code}`)));
  child.unref();
  try {
    await answers(address, () => failure);
  } catch (error) {
    if (child.pid !== undefined) await stopJvmBroker(child.pid);
    throw error;
  }
  if (child.pid === undefined) throw failure ?? new Error('the Kafka broker has no process');
  return child.pid;
}

/** Asks it to stop, and ends it when it takes too long. */
export async function stopJvmBroker(pid: number): Promise<void> {
  if (!signal(pid, 'SIGTERM')) return;
  const gone = () => {
    if (signal(pid, 0)) throw new Error(`the Kafka broker ${pid} is still there`);
  };
  await eventually(gone, { timeoutMs: stopTimeoutMs }).catch(() => signal(pid, 'SIGKILL'));
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function settings(directory: string, { listens, controller, advertised, doors = [] }: BrokerAddresses): string {
  const plain = [{ name: 'PLAINTEXT', listens, advertised }, ...doors];
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${controller}`,
    listeners: [...plain.map((door) => `${door.name}://${door.listens}`), `CONTROLLER://${controller}`].join(),
    'advertised.listeners': plain.map((door) => `${door.name}://${door.advertised}`).join(),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': [...plain, { name: 'CONTROLLER' }].map(({ name }) => `${name}:PLAINTEXT`).join(),
    'log.dirs': join(directory, 'data').replaceAll('\\', '/'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A member that is silent may be given up in seconds, for tests of what happens then.
    'group.min.session.timeout.ms': '1000',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.enable': 'false',
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function jarsDirectory(): string {
  const version = /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([\d.]+)</.exec(readFileSync(pom, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${pom} names no version of Kafka`);
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'daybook', `kafka-${version}`);
}

/** From the cache, or from Maven into it. Complete or not there: others may look at the same time. */
async function fetchJars(): Promise<string> {
  const directory = jarsDirectory();
  if (existsSync(directory)) return directory;
  await mkdir(join(directory, '..'), { recursive: true });
  const partial = await mkdtemp(`${directory}-`);
  try {
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
    await run('mvn', ['-q', '-B', '-f', pom, ...goal], { timeout: fetchTimeoutMs });
    await rename(partial, directory);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(directory)) throw new Error('Maven could not fetch the Kafka broker', { cause: error });
  }
  return directory;
}

async function answers(broker: string, failure: () => Error | undefined): Promise<void> {
  // Loaded here, because most test files need no Kafka.
  const { Kafka, logLevel } = await import('kafkajs');
  const kafka = new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 500,
  });
  const deadline = performance.now() + readyTimeoutMs;
  for (;;) {
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.describeCluster();
      return;
    } catch (error) {
      const ended = failure();
      if (ended) throw ended;
      if (performance.now() > deadline) throw new Error('the Kafka broker does not answer', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await admin.disconnect();
    }
  }
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const listening = servers.map(
    (server) =>
      new Promise<number>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
      }),
  );
  const ports = await Promise.all(listening);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function onPath(program: string): boolean {
  const names = process.platform === 'win32' ? [`${program}.exe`, `${program}.cmd`] : [program];
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.some((directory) => names.some((name) => existsSync(join(directory, name))));
}
