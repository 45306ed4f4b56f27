import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../src/config';
import { evmNode } from '../src/evm-node';

test('a node whose contracts are not to be had is stopped again', async () => {
  const home = mkdtempSync(join(tmpdir(), 'daybook-evm-node-'));
  const chain = evmNode(loadConfig({ DAYBOOK_HOME: home }), () => {
    throw new Error('no contracts');
  });
  await expect(chain.start()).rejects.toThrow('contracts');
  const { port } = JSON.parse(readFileSync(join(home, 'evm', 'node.json'), 'utf8')) as { port: number };
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow('fetch failed');
  rmSync(home, { recursive: true });
});
