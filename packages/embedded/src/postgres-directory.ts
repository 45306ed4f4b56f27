/**
 * What belongs to one embedded Postgres on disk.
 *
 *   <directory>/postgres.json               password of the server and, if elsewhere, place of its data (mode 0600)
 *   <directory>/data, server.log            the data, when the server's account can reach it there
 *   /var/tmp/daybook-<uid>/postgres-<hash>  the data otherwise: a root user's checkout is often in a private home
 *
 * Deleting <directory> is a clean start: data elsewhere that does not carry the password's fingerprint is not ours. Data
 * elsewhere whose directory is gone is removed by the next start that keeps data there.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, link, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EmbeddedServerError } from './embedded-server';
import { canTraverseTo, sharedStateDirectory, type Account } from './file-access';

export type PostgresDirectory = {
  readonly home: string;
  readonly password: string;
  /** Holds `data` and the files beside it; writable by the server's account. */
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
  directory: string,
  account: Account | undefined,
  discard: (data: string) => Promise<void>,
): Promise<PostgresDirectory> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const home = await realpath(directory);
  const file = join(home, pointerFile);
  if (!existsSync(file)) await createPointer(file, sharedBaseFor(home, account));
  const pointer = await readPointer(file);
  const base = pointer.shared ?? home;
  if (pointer.shared !== undefined) {
    await prepareSharedBase(pointer.shared, pointer.password, discard);
    await writeFile(join(pointer.shared, homeFile), home, { mode: 0o600 });
    await removeAbandoned(dirname(pointer.shared), discard);
  }
  if (account !== undefined) await giveTo(base, account);
  return { home, password: pointer.password, base, data: join(base, 'data'), log: join(base, 'server.log') };
}

function sharedBaseFor(home: string, account: Account | undefined): string | undefined {
  if (account === undefined || canTraverseTo(home, account)) return undefined;
  return join(sharedStateDirectory(), `postgres-${createHash('sha256').update(home).digest('hex').slice(0, 20)}`);
}

/** Written aside and linked: of two starts at the same moment one sets the password and both use it. */
async function createPointer(file: string, shared: string | undefined): Promise<void> {
  const scratch = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const pointer: Pointer = { password: randomBytes(24).toString('hex'), ...(shared !== undefined && { shared }) };
  await writeFile(scratch, `${JSON.stringify(pointer)}\n`, { mode: 0o600, flag: 'wx' });
  await link(scratch, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(scratch);
}

async function readPointer(file: string): Promise<Pointer> {
  try {
    const pointer = JSON.parse(await readFile(file, 'utf8')) as Pointer;
    if (typeof pointer.password === 'string') return pointer;
  } catch (cause) {
    throw new EmbeddedServerError(`${file} cannot be read: delete its directory to start with an empty database.`, {
      cause,
    });
  }
  throw new EmbeddedServerError(`${file} is damaged: delete its directory to start with an empty database.`);
}

/** Data that belongs to a deleted directory of the same name is stopped and removed. */
async function prepareSharedBase(
  base: string,
  password: string,
  discard: (data: string) => Promise<void>,
): Promise<void> {
  const owner = join(base, 'owner');
  const fingerprint = createHash('sha256').update(password).digest('hex');
  if (existsSync(base) && (await readFile(owner, 'utf8').catch(() => '')) !== fingerprint) {
    await discard(join(base, 'data'));
    await rm(base, { recursive: true, force: true });
  }
  await mkdir(base, { recursive: true });
  await writeFile(owner, fingerprint, { mode: 0o600 });
}

/** A test that was killed, or a checkout that was deleted, leaves its data and perhaps a running server. */
async function removeAbandoned(shared: string, discard: (data: string) => Promise<void>): Promise<void> {
  for (const name of await readdir(shared)) {
    const base = join(shared, name);
    const home = await readFile(join(base, homeFile), 'utf8').catch(() => '');
    if (home === '' || existsSync(join(home, pointerFile))) continue;
    await discard(join(base, 'data'));
    await rm(base, { recursive: true, force: true });
  }
}

/** The account may pass through and create files; secrets inside are 0600 and stay ours. */
async function giveTo(base: string, account: Account): Promise<void> {
  if ((await stat(base)).uid !== account.uid) await chown(base, account.uid, account.gid);
  await chmod(base, 0o711);
}
