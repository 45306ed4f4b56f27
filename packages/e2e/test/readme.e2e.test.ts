import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readEndpoints } from '@daybook/standalone';
import { Client } from 'pg';
import { Instance } from './instance';
import { expectBooksBalance } from './stories';

const readme = readFileSync(join(__dirname, '../../../README.md'), 'utf8');
const tour = readme.slice(readme.indexOf('## Five minutes with curl'), readme.indexOf('## Settings'));
// The audit step needs psql, which a machine with Node alone does not have; the same views are read in other suites.
const blocks = [...tour.matchAll(/```sh\n([\s\S]*?)```/g)]
  .map(([, block = '']) => block)
  .filter((block) => !block.startsWith('psql'));
const demo = join(__dirname, '../../standalone/dist/demo/main.js');
const runnable = process.env.CI === 'true' || spawnSync('curl', ['--version']).status === 0;

describe("the README's tour", () => {
  const daybook = new Instance({ LOG_LEVEL: 'warn' });
  beforeAll(() => daybook.start(), 120_000);
  afterAll(() => daybook.dispose());

  test('the demo shows a payment, one that leaves the chain and comes back, and a send through the contract', async () => {
    const output = execFileSync(process.execPath, [demo], {
      env: { PATH: process.env.PATH, DAYBOOK_HOME: daybook.home },
      encoding: 'utf8',
      timeout: 60_000,
    });
    for (const said of [
      'settled, 99.5 received',
      /reorganised[^]*?is pending, 0 received[^]*?is back[^]*?confirming, 0.05[^]*?settled, 0.05/,
      /send is completed, in block \d+\n.*the contract tells it: settlement 0x[0-9a-f]{64}/,
      /holds (0\.1499\d+) ETH by the chain, \1 ETH by the ledger/,
      'The books balance: ',
    ]) {
      expect(output).toMatch(said);
    }
    await expectBooksBalance(daybook);
  }, 90_000);

  if (runnable) {
    test('runs as it is written, twice, with the same answers', async () => {
      // The tour reads .daybook/ in the current folder.
      const folder = join(daybook.home, 'tour');
      mkdirSync(folder);
      symlinkSync(daybook.home, join(folder, '.daybook'));
      const run = () =>
        execFileSync('bash', ['-euo', 'pipefail', '-c', blocks.join('\n')], {
          cwd: folder,
          encoding: 'utf8',
          timeout: 60_000,
        });
      const output = run();
      expect(blocks).toHaveLength(8);
      for (const said of [
        '"status":"pending"',
        '"status":"settled"',
        '"rule":"settlement@1"',
        '"available_balance":1250.75',
        '"status":"processing"',
        '"direction":"debit"',
        '"gateway_reference":"pi_',
        '"type":"transfer"',
        '"refunded":"10.00","charged_back":"5.00"',
        '"amount_charged_back":5.00',
        '"rule":"provider-payment-return@1"',
      ]) {
        expect(output).toContain(said);
      }
      const transfer = (text: string) => /\{"transaction_id":"TX\w+","status":"processing"[^}]*\}/.exec(text)?.[0];
      expect(transfer(run())).toBe(transfer(output));
      await expectBooksBalance(daybook);
    });
  } else {
    test('is not run here: there is no curl', () => {
      process.stdout.write("Not run: the README's tour, because there is no curl\n");
      expect(runnable).toBe(false);
    });
  }
});

describe('the demo that finds no instance', () => {
  const settings = { EVENT_STORE: 'postgres', DAYBOOK_PORT: '0' };
  const daybook = new Instance(settings);
  afterAll(() => daybook.dispose());

  test('told to end in the middle of a payment, stops all that it has started', async () => {
    const child = spawn(process.execPath, [demo], {
      env: { PATH: process.env.PATH, DAYBOOK_HOME: daybook.home, ...settings },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const output = child.stdout.setEncoding('utf8');
    for await (const said of output.iterator({ destroyOnReturn: false })) if (/is pending/.test(String(said))) break;
    output.resume();
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    await expect(new Client({ connectionString: daybook.databaseUrl }).connect()).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await expect(fetch(readEndpoints(daybook.home).evm.rpcUrl)).rejects.toThrow('fetch failed');
    await daybook.start();
    await expectBooksBalance(daybook);
  }, 120_000);
});
