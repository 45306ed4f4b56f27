/**
 * A real Postgres server from npm, for a laptop and for tests. It is durable (fsync stays on) and outlives a process
 * that is killed: the next start finds it by `postmaster.pid` and adopts it, or starts it anew on the same data.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { chown, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { EmbeddedServerError, type EmbeddedServer } from './embedded-server';
import { serverAccount, type Account } from './file-access';
import { freePort } from './free-port';
import { postgresBinaries } from './postgres-binaries';
import { openPostgresDirectory, type PostgresDirectory } from './postgres-directory';
import { commandOf, hasEnded, isRunning, signal } from './processes';

const database = 'daybook';
const startTimeoutMs = 30_000;
const stopTimeoutMs = 20_000;
const pollMs = 15;

type Options = {
  /** Keeps everything that belongs to the server. Deleting it (after a stop) is a clean start. */
  readonly directory: string;
  /** Server settings, such as `{ fsync: 'off' }`. An adopted server keeps the ones it was started with. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A free one is chosen when absent. */
  readonly port?: number;
};

type Running = { readonly pid: number; readonly url: string };

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
      const directory = await openPostgresDirectory(options.directory, account, discardServer);
      running = (await adopt(directory)) ?? (await launch(directory, account, options));
      await ensureDatabase(running.url);
    },
    async stop() {
      const pid = running?.pid;
      running = undefined;
      if (pid !== undefined) await shutDown(pid);
    },
  };
}

/** Fast shutdown: open transactions are rolled back, the data is left clean. */
async function shutDown(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await hasEnded(pid, stopTimeoutMs)) return;
  signal(pid, 'SIGQUIT');
  if (await hasEnded(pid, 5_000)) return;
  throw new EmbeddedServerError(`Postgres (process ${pid}) does not stop: end it with \`kill -9 ${pid}\`.`);
}

async function discardServer(data: string): Promise<void> {
  const lock = readLock(data);
  if (lock !== undefined && isServerOf(data, lock.pid)) await shutDown(lock.pid);
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
      if ((await dataDirectoryAt(url)) === directory.data) return { pid: lock.pid, url };
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

function urlOf(directory: PostgresDirectory, port: number, name = database): string {
  return `postgres://postgres:${directory.password}@127.0.0.1:${port}/${name}`;
}

/** Where the server that answers there keeps its data; undefined while it is starting or stopping. */
async function dataDirectoryAt(url: string): Promise<string | undefined> {
  try {
    return await withClient(onMaintenanceDatabase(url), async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('show data_directory');
      return rows[0]?.data_directory;
    });
  } catch (error) {
    if (codeOf(error) === '28P01') {
      throw new EmbeddedServerError(
        'Postgres refuses our password: delete its directory to start with an empty database.',
        {
          cause: error,
        },
      );
    }
    return undefined;
  }
}

async function launch(directory: PostgresDirectory, account: Account | undefined, options: Options): Promise<Running> {
  const binaries = await postgresBinaries(account);
  if (!existsSync(join(directory.data, 'PG_VERSION'))) await initialise(directory, binaries, account);
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    removeStaleLock(directory);
    const port = options.port ?? (await freePort());
    const outcome = await spawnServer(directory, binaries, account, { port, settings: options.settings ?? {} });
    if (typeof outcome === 'object') return outcome;
    // A simultaneous start won, backends of a killed server still hold its memory, or the port was taken meanwhile.
    const adopted = await adopt(directory);
    if (adopted !== undefined) return adopted;
    const passing = /pre-existing shared memory|lock file|could not bind|Address already in use/.test(outcome);
    if (!passing || performance.now() > deadline) throw startError(directory, outcome);
    await delay(100);
  }
}

function startError(directory: PostgresDirectory, log: string): EmbeddedServerError {
  const reason = log.trim().split('\n').slice(-6).join('\n');
  return new EmbeddedServerError(
    `Postgres did not start on ${directory.data}:\n${reason}\n` +
      `If the data is damaged, delete ${directory.home} to start with an empty database, or set DATABASE_URL.`,
  );
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
      if (!existsSync(join(directory.data, 'PG_VERSION'))) throw error;
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
  if (code !== 0) throw startError(directory, `initdb ended with ${String(code)}\n${output}`);
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
      return { pid: lock.pid, url: urlOf(directory, server.port) };
    }
    if (performance.now() > deadline) {
      if (child.pid !== undefined) await shutDown(child.pid);
      ended = `not ready after ${startTimeoutMs} ms`;
    }
    await delay(pollMs);
  }
  return `${readFileSync(directory.log, 'utf8')}\n${ended}`;
}

async function ensureDatabase(url: string): Promise<void> {
  try {
    await withClient(url, async () => undefined);
  } catch (error) {
    if (codeOf(error) !== '3D000') throw error;
    await withClient(onMaintenanceDatabase(url), async (client) => {
      await client.query(`create database ${database}`).catch((refused: unknown) => {
        // Created by a simultaneous start.
        if (codeOf(refused) !== '42P04' && codeOf(refused) !== '23505') throw refused;
      });
    });
  }
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
