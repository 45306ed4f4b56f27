/**
 * What belongs to one embedded Postgres on disk.
 *
 *   <directory>/postgres.json        password of the server and, if elsewhere, place of its data (mode 0600)
 *   <directory>/data, server.log     the data, when the server's account can reach it there
 *   /var/lib/daybook/postgres-<id>   the data otherwise: a root user's checkout is often in a private home
 *
 * Deleting <directory> is a clean start: the next postgres.json names a place that nothing was in. What lies elsewhere is
 * never taken for abandoned because its directory is not there, which may have been moved or be on a disk that is away;
 * only that of directories in the system's temporary folder, as tests have them, is removed by the next start that keeps
 * data there.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { createFile, replaceFile } from '@daybook/runtime';
import { EmbeddedServerError } from './embedded-server';
import { canTraverseTo, sharedStateDirectory, type Account } from './file-access';

export type PostgresDirectoryOptions = {
  /** Keeps everything that belongs to the server. Deleting it (after a stop) is a clean start. */
  readonly directory: string;
  /** What belongs to the data as a whole, so that only all of it can begin anew; `directory` when absent. */
  readonly wholeDirectory?: string;
  /** There is data of earlier starts: where it is gone, the start is refused instead of making an empty database. */
  readonly expectsData?: boolean;
};

export type PostgresDirectory = {
  /** What is to be deleted to begin anew. */
  readonly wholeDirectory: string;
  readonly password: string;
  /** Holds `data` and the files beside it; the server's account can pass through it. */
  readonly base: string;
  readonly data: string;
  readonly log: string;
};

const pointerFile = 'postgres.json';
/** In a place elsewhere: the directory that it belongs to. */
const homeFile = 'home';

/** `shared` is decided once: a later change of permissions must not make the data seem to vanish. */
type Pointer = { readonly password: string; readonly shared?: string };

export async function openPostgresDirectory(
  options: PostgresDirectoryOptions,
  account: Account | undefined,
  discard: (data: string) => Promise<void>,
): Promise<PostgresDirectory> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const home = await realpath(options.directory);
  const { wholeDirectory = home, expectsData = false } = options;
  const file = join(home, pointerFile);
  if (!existsSync(file)) {
    if (expectsData) throw goneError(file, wholeDirectory);
    await createPointer(file, sharedBaseFor(home, account));
  }
  const { password, shared } = await readPointer(file, wholeDirectory);
  const base = shared ?? home;
  const data = join(base, 'data');
  if (expectsData && !holdsDatabase(data)) throw goneError(data, wholeDirectory);
  if (shared !== undefined) {
    await prepareSharedBase(shared, home, password);
    await removeAbandoned(dirname(shared), discard);
  }
  // What is private inside has a mode of its own.
  if (account !== undefined) await chmod(base, 0o711);
  return { wholeDirectory, password, base, data, log: join(base, 'server.log') };
}

/** A database is there under its name when it is complete. */
export function holdsDatabase(data: string): boolean {
  return existsSync(join(data, 'PG_VERSION'));
}

function goneError(path: string, wholeDirectory: string): EmbeddedServerError {
  return new EmbeddedServerError(
    `The database of earlier starts is not in ${path} any more: bring it back, or delete the whole of ` +
      `${wholeDirectory} to begin anew.`,
  );
}

function sharedBaseFor(home: string, account: Account | undefined): string | undefined {
  if (account === undefined || canTraverseTo(home, account)) return undefined;
  return join(sharedStateDirectory(), `postgres-${randomBytes(10).toString('hex')}`);
}

/** Of two starts at the same moment one sets the password and both use it. */
async function createPointer(file: string, shared: string | undefined): Promise<void> {
  const pointer: Pointer = { password: randomBytes(24).toString('hex'), ...(shared !== undefined && { shared }) };
  await createFile(file, `${JSON.stringify(pointer)}\n`);
}

async function readPointer(file: string, wholeDirectory: string): Promise<Pointer> {
  let cause: unknown;
  try {
    const pointer = JSON.parse(await readFile(file, 'utf8')) as Pointer;
    if (typeof pointer.password === 'string') return pointer;
  } catch (error) {
    cause = error;
  }
  throw new EmbeddedServerError(
    `${file}, which has the password of the database, cannot be read${cause === undefined ? '' : ` (${String(cause)})`}. ` +
      `Bring it back, or delete the whole of ${wholeDirectory} to begin anew.`,
    { cause },
  );
}

async function prepareSharedBase(base: string, home: string, password: string): Promise<void> {
  await mkdir(base, { recursive: true });
  // For a build that goes by it: it deletes data beside which it does not find its password's fingerprint.
  await createFile(join(base, 'owner'), createHash('sha256').update(password).digest('hex'));
  await replaceFile(join(base, homeFile), home);
}

/** A test that was killed leaves its data and perhaps a running server. */
async function removeAbandoned(shared: string, discard: (data: string) => Promise<void>): Promise<void> {
  const temporary = await realpath(tmpdir()).catch(tmpdir);
  for (const name of await readdir(shared)) {
    const base = join(shared, name);
    const home = await readFile(join(base, homeFile), 'utf8').catch(() => '');
    if (!home.startsWith(temporary + sep) || (await pointsTo(base, join(home, pointerFile)))) continue;
    await discard(join(base, 'data'));
    await rm(base, { recursive: true, force: true });
  }
}

/** Whether the directory still uses the place. One that was deleted and made anew does not. */
async function pointsTo(base: string, file: string): Promise<boolean> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as Pointer).shared === base;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
