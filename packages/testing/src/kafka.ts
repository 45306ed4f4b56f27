/**
 * Kafka for tests: the one that `KAFKA_BROKERS` names, else one in Docker, else the Apache broker on the local JVM. A
 * jest run shares one, started by the first test file that asks and stopped in the global teardown.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';
import { jvmKafkaIsPossible, startJvmBroker, stopJvmBroker } from './kafka-on-jvm';

export type TestKafka = {
  readonly brokers: readonly string[];
  /** Stops it, unless it is the run's, which others still use. */
  stop(): Promise<void>;
};

/** Where a run keeps its broker; set in the global setup. */
const runVariable = 'DAYBOOK_TEST_KAFKA_RUN';
/** Of directories in the system's temporary one, each with a broker of a run. */
export const brokerDirectoryPrefix = 'daybook-test-kafka-';
const startTimeoutMs = 400_000;
/** Apache Kafka 3.9, in the one packaging whose start-up the container class knows. */
const image = 'confluentinc/cp-kafka:7.9.1';

type Running =
  | { readonly brokers: readonly string[]; readonly pid: number }
  | { readonly brokers: readonly string[]; readonly container: string }
  | { readonly failure: string };

/** Undefined when there is none to be had, which it prints; with CI=true that is an error. */
export async function kafkaForTests(suite: string): Promise<TestKafka | undefined> {
  const given = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '');
  if (given.length > 0) return { brokers: given, stop: async () => undefined };
  if (!kafkaIsPossible()) return unavailable(suite, 'no KAFKA_BROKERS, no Docker, no Java with Maven');
  const shared = process.env[runVariable];
  const directory = shared ?? prepareSharedKafka();
  const running = await startSharedKafka(directory);
  if ('failure' in running) return unavailable(suite, running.failure);
  return {
    brokers: running.brokers,
    stop: async () => {
      if (shared === undefined) await stopSharedKafka(directory);
    },
  };
}

/** Answered without starting anything, so that a test file can decide which suites it has. */
export function kafkaIsPossible(): boolean {
  if ((process.env['KAFKA_BROKERS'] ?? '') !== '' || process.env['CI'] === 'true') return true;
  return jvmKafkaIsPossible() || dockerAnswers();
}

/** A directory for the run's broker. Also stops what a killed run has left behind. */
export function prepareSharedKafka(): string {
  removeLeftovers();
  const directory = mkdtempSync(join(tmpdir(), brokerDirectoryPrefix));
  writeFileSync(join(directory, 'owner.pid'), `${process.pid}`);
  return directory;
}

/** The run's broker. Whoever comes first starts it, the others wait. */
export async function startSharedKafka(directory: string): Promise<Running> {
  const file = join(directory, 'running.json');
  const first = await mkdir(join(directory, 'starting')).then(
    () => true,
    () => false,
  );
  if (first) {
    const running = await start(directory).catch((error: unknown): Running => ({ failure: describe(error) }));
    await writeFile(`${file}.new`, JSON.stringify(running));
    await rename(`${file}.new`, file);
  }
  return eventually(async () => JSON.parse(await readFile(file, 'utf8')) as Running, { timeoutMs: startTimeoutMs });
}

export async function stopSharedKafka(directory: string): Promise<void> {
  const file = join(directory, 'running.json');
  const running = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Running) : { failure: 'not started' };
  if ('pid' in running) await stopJvmBroker(running.pid);
  if ('container' in running) {
    const { getContainerRuntimeClient } = await import('testcontainers');
    const { container } = await getContainerRuntimeClient();
    const found = container.getById(running.container);
    await container.stop(found);
    await container.remove(found, { removeVolumes: true });
  }
  rmSync(directory, { recursive: true, force: true });
}

async function start(directory: string): Promise<Running> {
  if (await dockerIsThere()) {
    const { KafkaContainer } = await import('@testcontainers/kafka');
    const container = await new KafkaContainer(image)
      .withKraft()
      .withEnvironment({ KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000' })
      .start();
    return { brokers: [`${container.getHost()}:${container.getMappedPort(9093)}`], container: container.getId() };
  }
  if (!jvmKafkaIsPossible()) return { failure: 'no KAFKA_BROKERS, no Docker, no Java with Maven' };
  const { broker, pid } = await startJvmBroker(directory);
  return { brokers: [broker], pid };
}

async function dockerIsThere(): Promise<boolean> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers');
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}

function dockerAnswers(): boolean {
  try {
    execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore', timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}

function unavailable(suite: string, reason: string): undefined {
  const line = `Kafka is not to be had here (${reason}); not run on it: ${suite}`;
  if (process.env['CI'] === 'true') throw new Error(line);
  process.stderr.write(`${line}\n`);
  return undefined;
}

function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(brokerDirectoryPrefix))) {
    const directory = join(tmpdir(), name);
    if (ownerIsGone(directory)) void stopLeftover(directory).catch(() => undefined);
  }
}

/** Its process id may belong to another program by now. */
async function stopLeftover(directory: string): Promise<void> {
  const file = join(directory, 'running.json');
  const running = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Running) : { failure: 'not started' };
  if ('pid' in running && isBrokerOf(running.pid, directory)) await stopJvmBroker(running.pid);
  rmSync(directory, { recursive: true, force: true });
}

function isBrokerOf(pid: number, directory: string): boolean {
  try {
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' }).includes(directory);
  } catch {
    return false;
  }
}

function ownerIsGone(directory: string): boolean {
  try {
    process.kill(Number(readFileSync(join(directory, 'owner.pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
