/** The fault runs that are a part of `npm test` where that has the time for them: with CI=true. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const minutes = '10';

async function main(): Promise<void> {
  if (process.env['CI'] !== 'true') {
    process.stdout.write('Fault runs and the long suites of jest.config.cjs are left to CI=true.\n');
    return;
  }
  const child = spawn(process.execPath, [join(__dirname, 'main.js'), '--minutes', minutes], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 2;
}

void main();
