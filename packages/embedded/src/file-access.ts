/**
 * Postgres refuses to run as root. A root user's server therefore runs as another account, which must reach its files.
 */
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EmbeddedServerError } from './embedded-server';

export type Account = { readonly uid: number; readonly gid: number };

/** Accounts that exist on usual systems, most fitting first. initdb wants one that the system knows by name. */
const accountNames = ['postgres', '_postgres', 'nobody', 'daemon'];

/** The account to run servers as, or undefined when the current user will do. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of accountNames) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new EmbeddedServerError(
    `Postgres does not run as root and none of the users ${accountNames.join(', ')} exists: ` +
      'start as another user, or set DATABASE_URL to a server of your own.',
  );
}

/** Whether the account may pass through every directory above `path`. */
export function canTraverseTo(path: string, account: Account): boolean {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if (!allows(folder, account, 0o1)) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Whether the account may read and run the file. */
export function canRun(path: string, account: Account): boolean {
  return canTraverseTo(path, account) && allows(path, account, 0o5);
}

function allows(path: string, account: Account, bits: number): boolean {
  const { mode, uid, gid } = statSync(path);
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

/**
 * A directory that every account can pass through and only we can write to, for what cannot stay inside a private
 * home directory. Only root needs it. Nobody cleans up there, as systems do in their temporary folders.
 */
export function sharedStateDirectory(): string {
  const path = '/var/lib/daybook';
  // The mode that is asked for is less what the umask takes from it.
  if (mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined) chmodSync(path, 0o755);
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0) {
    throw new EmbeddedServerError(
      `${path} exists but is not a directory of this user alone: remove it and start again.`,
    );
  }
  return path;
}
