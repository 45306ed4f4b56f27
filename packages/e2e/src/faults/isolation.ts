/**
 * The harness in namespaces of its own: its processes are gone when it is, however it ended, and so are its mounts, which
 * nobody else ever sees. Among them is the small disk that a run may fill. Root needs nothing for it but the right to
 * mount; other users need user namespaces. Linux only.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of directories; the process id of the one that made it follows. */
const prefix = 'daybook-faults-';
const diskSize = '400m';
const workSize = '4g';
/** Set inside. */
const insideVariable = 'FAULTS_INSIDE';

const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const mounts =
  `mount -t tmpfs -o size=${diskSize},mode=0755 faults-disk "$FAULTS_DISK" && ` +
  `mount -t tmpfs -o size=${workSize},mode=0755 faults-work "$FAULTS_WORK"`;

export function isInside(): boolean {
  return process.env[insideVariable] === 'true';
}

/** Why there are no namespaces to be had, or nothing. */
export function isolationMissing(): string | undefined {
  if (process.platform !== 'linux') return `namespaces are not to be had on ${process.platform}`;
  const directories = makeDirectories();
  const { command, args } = entering([process.execPath, '--eval', '0']);
  const tried = spawnSync(command, args, { env: { ...process.env, ...directories.environment }, encoding: 'utf8' });
  directories.remove();
  if (tried.status === 0) return undefined;
  return `namespaces with a mount are not to be had: ${tried.error?.message ?? tried.stderr.trim()}`;
}

/** Runs this program again inside, with the same arguments. Resolves with its exit code. */
export async function runInside(script: string, args: readonly string[], timeoutMs: number): Promise<number> {
  const directories = makeDirectories();
  const entry = entering([process.execPath, script, ...args]);
  const env = { ...process.env, ...directories.environment, [insideVariable]: 'true' };
  // The program inside ends when its input does: with this process, even when that is killed.
  const child = spawn(entry.command, entry.args, { env, stdio: ['pipe', 'inherit', 'inherit'] });
  const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const stop = () => child.stdin.end();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 2;
  } finally {
    clearTimeout(late);
    process.off('SIGINT', stop).off('SIGTERM', stop);
    directories.remove();
  }
}

/** Ends this process, and with it all others inside, when the one outside has gone. */
export function endWithOutside(): void {
  process.stdin.resume();
  process.stdin.once('close', () => process.exit(2));
  process.stdin.once('end', () => process.exit(2));
}

/** Inside, a user that is not root is itself again, because Postgres refuses to be run by root. */
function entering(program: readonly string[]): { readonly command: string; readonly args: readonly string[] } {
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
  const itself = ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--', ...program];
  const [asRoot, inner] = uid === 0 ? [[], program] : [['--user', '--map-root-user'], itself];
  // Not `exec`: the first process of the namespace takes in the orphans and is deaf to most signals.
  const script = `${mounts} && "$@"; exit $?`;
  return { command: 'unshare', args: [...asRoot, ...namespaces, '--', 'sh', '-c', script, 'sh', ...inner] };
}

function makeDirectories() {
  removeLeftovers();
  const home = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  chmodSync(home, 0o755);
  const [disk, work] = [join(home, 'disk'), join(home, 'work')];
  for (const directory of [disk, work]) mkdirSync(directory, { mode: 0o755 });
  return {
    environment: { FAULTS_DISK: disk, FAULTS_WORK: work },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** A harness that was killed leaves nothing but the empty directories that it mounted on. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
