/**
 * A real Postgres server from npm, for a laptop and for tests. It is durable (fsync stays on) and outlives a process
 * that is killed: the next start finds it by `postmaster.pid` and adopts it, or starts it anew on the same data.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { chown, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { EmbeddedServerError, type EmbeddedServer } from './embedded-server';
import { serverAccount, type Account } from './file-access';
import { freePort } from './free-port';
import { postgresBinaries } from './postgres-binaries';
import {
  holdsDatabase,
  openPostgresDirectory,
  type PostgresDirectory,
  type PostgresDirectoryOptions,
} from './postgres-directory';
import { commandOf, endProcess, isRunning } from './processes';

const database = 'daybook';
const startTimeoutMs = 30_000;
const stopTimeoutMs = 20_000;
const pollMs = 15;

type Options = PostgresDirectoryOptions & {
  /** Server settings, such as `{ fsync: 'off' }`. An adopted server keeps the ones it was started with. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A free one is chosen when absent. */
  readonly port?: number;
};

type Running = { readonly pid: number; readonly url: string; readonly data: string };

export function embeddedPostgres(options: Options): EmbeddedServer {
  let running: Running | undefined;
  return {
    name: 'embedded Postgres',
    get url() {
      if (running === undefined) throw new EmbeddedServerError('The embedded Postgres has not been started.');
      return running.url;
    },
    async start() {
      const account = serverAccount();
      const directory = await openPostgresDirectory(options, account, discardServer);
      running = (await adopt(directory)) ?? (await launch(directory, account, options));
      await ensureDatabase(running, directory);
      await closeOtherDatabases(running);
    },
    async stop() {
      const ending = running;
      running = undefined;
      if (ending !== undefined) await shutDown(ending.data, ending.pid);
    },
  };
}

/** Fast shutdown: open transactions are rolled back, the data is left clean. */
async function shutDown(data: string, pid: number): Promise<void> {
  const steps = [
    { name: 'SIGINT', waitMs: stopTimeoutMs },
    { name: 'SIGQUIT', waitMs: 5_000 },
  ] as const;
  if (await endProcess(pid, () => isServerOf(data, pid), steps)) return;
  throw new EmbeddedServerError(`Postgres (process ${pid}) does not stop: end it with \`kill -9 ${pid}\`.`);
}

async function discardServer(data: string): Promise<void> {
  const lock = readLock(data);
  if (lock !== undefined) await shutDown(data, lock.pid);
}

type Lock = { readonly pid: number; readonly port: number | undefined; readonly status: string };

/** `postmaster.pid`: line 1 the process, line 4 the port, line 8 `starting`, `ready`, `stopping`. */
function readLock(data: string): Lock | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid < 2) return undefined;
  return { pid, port: Number(lines[3]) || undefined, status: lines[7]?.trim() ?? '' };
}

function isServerOf(data: string, pid: number): boolean {
  if (!isRunning(pid)) return false;
  const command = commandOf(pid);
  return command.includes('postgres') && command.includes(data);
}

/** The living server of this directory, once it answers. Undefined when there is none. */
async function adopt(directory: PostgresDirectory): Promise<Running | undefined> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    const lock = readLock(directory.data);
    if (lock === undefined || !isServerOf(directory.data, lock.pid)) return undefined;
    if (lock.port !== undefined && lock.status === 'ready') {
      const url = urlOf(directory, lock.port);
      if ((await dataDirectoryAt(url, directory)) === directory.data)
        return { pid: lock.pid, url, data: directory.data };
    }
    if (performance.now() > deadline) {
      throw new EmbeddedServerError(
        `Postgres (process ${lock.pid}) runs on ${directory.data} but does not answer: end it with ` +
          `\`kill ${lock.pid}\` and start again. Its log is ${directory.log}.`,
      );
    }
    await delay(pollMs);
  }
}

function urlOf(directory: PostgresDirectory, port: number): string {
  return `postgres://postgres:${directory.password}@127.0.0.1:${port}/${database}`;
}

/** Where the server that answers there keeps its data; undefined while it is starting or stopping. */
async function dataDirectoryAt(url: string, directory: PostgresDirectory): Promise<string | undefined> {
  try {
    return await withClient(onMaintenanceDatabase(url), async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('show data_directory');
      return rows[0]?.data_directory;
    });
  } catch (error) {
    if (codeOf(error) === passwordRefused) throw passwordError(directory, error);
    return undefined;
  }
}

const passwordRefused = '28P01';

function passwordError({ data, wholeDirectory }: PostgresDirectory, cause: unknown): EmbeddedServerError {
  return new EmbeddedServerError(
    `The database in ${data} has another password than its postgres.json: bring back the one that it was made with, or ` +
      `delete the whole of ${wholeDirectory} to begin anew.`,
    { cause },
  );
}

async function launch(directory: PostgresDirectory, account: Account | undefined, options: Options): Promise<Running> {
  const binaries = await postgresBinaries(account);
  if (!holdsDatabase(directory.data)) await initialise(directory, binaries, account);
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    removeStaleLock(directory);
    const port = options.port ?? (await freePort());
    const outcome = await spawnServer(directory, binaries, account, { port, settings: options.settings ?? {} });
    if (typeof outcome === 'object') return outcome;
    // A simultaneous start won, backends of a killed server still hold its memory, or the port was taken meanwhile.
    const adopted = await adopt(directory);
    if (adopted !== undefined) return adopted;
    if (!passing.test(outcome) || performance.now() > deadline) throw startError(directory, account, outcome);
    await delay(100);
  }
}

const passing =
  /pre-existing shared memory|lock file ".*" (already exists|is empty)|could not bind|Address already in use/;
const otherVersion = /initialized (by PostgreSQL version|with CATALOG_VERSION_NO)/;
const damage = [
  /could not locate .*checkpoint/,
  /could not find the database system/,
  /is not a valid data directory/,
  /incompatible with server/,
  /directory ".*" does not exist/,
  // Its own files have relative paths.
  /"[^/"][^"]*": No such file/,
  /: read [0-9]+ of/,
  /corrupt|incorrect checksum|invalid page/,
];

function startError(directory: PostgresDirectory, account: Account | undefined, log: string): EmbeddedServerError {
  const reason = log.trim().split('\n').slice(-6).join('\n');
  return new EmbeddedServerError(
    `Postgres did not start on ${directory.data}:\n${reason}\n${adviceOn(directory, account, log)}`,
  );
}

/** Data is to be deleted only where Postgres itself says that it is damaged. */
function adviceOn({ data, wholeDirectory }: PostgresDirectory, account: Account | undefined, log: string): string {
  if (otherVersion.test(log)) return 'Start the build that made the data: this one has another version of Postgres.';
  if (damage.some((sign) => sign.test(log)))
    return `The data is damaged: bring back a copy of it, or delete the whole of ${wholeDirectory} to begin anew.`;
  const owner = account?.uid ?? process.getuid?.();
  return `Keep the data. See whether its disk is full, and whether ${data} belongs to user ${owner}, as it must.`;
}

/** Postgres trusts any living process with the recorded id; after a restart of the machine that may be anything. */
function removeStaleLock(directory: PostgresDirectory): void {
  const lock = readLock(directory.data);
  if (lock === undefined || isServerOf(directory.data, lock.pid)) return;
  rmSync(join(directory.data, 'postmaster.pid'), { force: true });
}

/** A new cluster appears under its name only when complete. */
async function initialise(directory: PostgresDirectory, binaries: string, account: Account | undefined): Promise<void> {
  const scratch = await mkdtemp(join(directory.base, 'initdb-'));
  const passwordFile = join(scratch, 'password');
  const data = join(scratch, 'data');
  try {
    await writeFile(passwordFile, directory.password, { mode: 0o600 });
    if (account !== undefined) {
      await chown(scratch, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    const flags = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
    flags.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-sync', '--no-instructions');
    await runInitdb(join(binaries, 'bin', 'initdb'), [...flags, '-D', data], account, directory);
    await rename(data, directory.data).catch((error: unknown) => {
      // Another start was quicker, with the same password.
      if (!holdsDatabase(directory.data)) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runInitdb(
  program: string,
  args: readonly string[],
  account: Account | undefined,
  directory: PostgresDirectory,
): Promise<void> {
  const child = spawn(program, args, { ...identity(account), stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close').catch((error: Error) => [error.message])) as [unknown];
  if (code !== 0) throw startError(directory, account, `initdb ended with ${String(code)}\n${output}`);
}

/** The working directory must be one that the account can enter; the environment of the caller does not matter. */
function identity(account: Account | undefined) {
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  return account === undefined ? { cwd: '/', env } : { cwd: '/', env, uid: account.uid, gid: account.gid };
}

/** The running server, or what it logged when it ended instead. */
async function spawnServer(
  directory: PostgresDirectory,
  binaries: string,
  account: Account | undefined,
  server: { readonly port: number; readonly settings: Readonly<Record<string, string>> },
): Promise<Running | string> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    // Of any session: one that has written and is left open holds back all readers of the event store.
    idle_in_transaction_session_timeout: '60s',
    ...server.settings,
  };
  const args = ['-D', directory.data, '-p', `${server.port}`];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const log = openSync(directory.log, 'w', 0o600);
  // Detached: a Ctrl-C in the terminal and the death of this process leave the server alone.
  const child = spawn(join(binaries, 'bin', 'postgres'), args, {
    ...identity(account),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message)).once('exit', (code) => (ended ??= `exit code ${code}`));
  child.unref();
  const deadline = performance.now() + startTimeoutMs;
  while (ended === undefined) {
    const lock = readLock(directory.data);
    if (lock?.pid === child.pid && lock?.status === 'ready') {
      return { pid: lock.pid, url: urlOf(directory, server.port), data: directory.data };
    }
    if (performance.now() > deadline) {
      if (child.pid !== undefined) await shutDown(directory.data, child.pid);
      ended = `not ready after ${startTimeoutMs} ms`;
    }
    await delay(pollMs);
  }
  return `${readFileSync(directory.log, 'utf8')}\n${ended}`;
}

async function ensureDatabase({ url, pid }: Running, directory: PostgresDirectory): Promise<void> {
  try {
    await withClient(url, async () => undefined);
  } catch (error) {
    if (codeOf(error) === passwordRefused) {
      await shutDown(directory.data, pid);
      throw passwordError(directory, error);
    }
    if (codeOf(error) !== '3D000') throw error;
    await withClient(onMaintenanceDatabase(url), async (client) => {
      await client.query(`create database ${database}`).catch((refused: unknown) => {
        // Created by a simultaneous start.
        if (codeOf(refused) !== '42P04' && codeOf(refused) !== '23505') throw refused;
      });
    });
  }
}

/**
 * Postgres opens them to whoever may log in, and what is taken away in the one of the services is not taken away there: a
 * transaction that is left open in any of them stalls the readers of the log.
 */
async function closeOtherDatabases({ url }: Running): Promise<void> {
  // Simultaneous starts would change the same rows. In one message, so that the lock is held to the end.
  const alone = `select pg_advisory_xact_lock(hashtextextended('databases of embedded Postgres', 0))`;
  const close = `revoke connect on database postgres, template1 from public`;
  await withClient(url, (client) => client.query(`${alone}; ${close}`));
}

function onMaintenanceDatabase(url: string): string {
  return Object.assign(new URL(url), { pathname: '/postgres' }).href;
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}
