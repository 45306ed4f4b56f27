/** A start in another process, which is then killed the hard way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const entry = join(__dirname, '../dist/index.js');

export function scratchDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'daybook-embedded-'));
}

/** Starts a server in a process that is killed as soon as the server answers; returns the server's url. */
export async function startAndBeKilled(
  factory: 'embeddedPostgres' | 'embeddedEvmNode',
  options: object,
): Promise<string> {
  const program = `
    const server = require(${JSON.stringify(entry)}).${factory}(${JSON.stringify(options)});
    server.start().then(() => console.log(server.url), (error) => { console.error(error); process.exit(1); });
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await Promise.race([once(child.stdout, 'data'), exited])) as [unknown];
  child.kill('SIGKILL');
  await exited;
  if (!Buffer.isBuffer(line)) throw new Error(`the server did not start: exit code ${String(line)}`);
  return line.toString('utf8').trim();
}
