/** What the engine alone does, measured by its own bench in a process of its own, on its own Postgres. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { assert } from '@daybook/core';
import { ended, onBreak } from './processes';

const bench = join(__dirname, '../../../../services/ledger/dist/bench/main.js');

/** Transfers a second of G1, of one round. */
export async function engineRate({ seconds }: { readonly seconds: number }): Promise<number> {
  const child = spawn(process.execPath, [bench, '--only', 'g1', '--rounds', '1', '--seconds', String(seconds)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const broken = onBreak(() => ended(child));
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  broken.takeBack();
  const line = output.split('\n').find((each) => each.startsWith('{'));
  assert(line !== undefined, 'the bench of the engine told nothing');
  return (JSON.parse(line) as { ours: number }).ours;
}
