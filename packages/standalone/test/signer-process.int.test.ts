import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { createLogger } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import { signerProcess } from '../src/signer-process';

const home = mkdtempSync(join(tmpdir(), 'daybook-signer-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

// The one that Node itself reads, and not the test's copy of it.
const node = runInThisContext('process') as NodeJS.Process;

/** Says at once that it listens, and which process it is. */
const program = join(home, 'program.js');
writeFileSync(program, 'process.send({ url: `http://pid-${process.pid}:1` }); setInterval(() => undefined, 1_000);');

const pidOf = (url: string | undefined) => Number(/pid-(\d+)/.exec(url ?? '')?.[1]);

test.each([
  ['it was killed', node.execPath],
  ['it was killed, and no process could be made for a while', join(home, 'missing')],
])('the signer is started again when %s, and a stop ends it', async (_when, execPath) => {
  const announced: string[] = [];
  const said: string[] = [];
  const signer = signerProcess({
    home,
    secrets: () => ({ signerToken: 'token', signerPassword: 'password' }),
    evm: () => ({ usdtContract: '0x' }) as never,
    chainId: 1,
    logLevel: 'error',
    logger: createLogger({
      service: 'test',
      level: 'error',
      destination: { write: (line: string) => said.push(line) },
    }),
    announce: (url) => announced.push(url),
    program,
  });
  const before = node.execPath;
  await signer.start?.();
  try {
    node.execPath = execPath;
    process.kill(pidOf(announced[0]), 'SIGKILL');
    await eventually(() => expect(said).toHaveLength(execPath === before ? 1 : 2), { timeoutMs: 10_000 });
    node.execPath = before;
    await eventually(() => expect(announced).toHaveLength(2), { timeoutMs: 10_000 });
    expect(() => process.kill(pidOf(announced[1]), 0)).not.toThrow();
  } finally {
    node.execPath = before;
    await signer.stop?.();
  }
  expect(() => process.kill(pidOf(announced[1]), 0)).toThrow('ESRCH');
});
