/** Processes known only by their id: started by us or by a predecessor that was killed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 10;

/** A zombie counts as gone: where nobody reaps orphans (a container without an init) it would stay forever. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** The command line, or '' when it cannot be read. Guards against a process id that was given to another program. */
export function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-p', `${pid}`, '-o', 'command='], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/**
 * Sends each signal in turn, until the process has ended in the time that is given it after one. `isOurs` tells whether the
 * id still is that of the process meant, and is asked before each. False when the process still runs after the last.
 */
export async function endProcess(
  pid: number,
  isOurs: () => boolean,
  steps: readonly { readonly name: NodeJS.Signals; readonly waitMs: number }[],
): Promise<boolean> {
  for (const { name, waitMs } of steps) {
    if (!isOurs()) return true;
    signal(pid, name);
    if (await hasEnded(pid, waitMs)) return true;
  }
  return false;
}

/** Waits until the process has ended. False when it still runs after `timeoutMs`. */
async function hasEnded(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isRunning(pid)) {
    if (performance.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
}

/** Sends a signal; a process that has ended already is fine. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
