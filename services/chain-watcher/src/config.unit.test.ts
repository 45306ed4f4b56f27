import { ConfigError } from '@daybook/runtime';
import { loadConfig } from './config';

const required = {
  DATABASE_URL: 'postgres://localhost/daybook',
  INTERNAL_TOKEN: 'x'.repeat(32),
};
const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig({ ...required, ...env });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
};

describe('settings of the chain-watcher', () => {
  test('without a chain of its own it serves the sandbox', () => {
    expect(loadConfig(required)).toMatchObject({ EVM_MODE: 'sandbox', EVM_CONFIRMATIONS: 3, SANDBOX_CONFIRMATIONS: 2 });
  });

  test.each([
    ['EVM_XPUB', `xprv${'9'.repeat(107)}`],
    ['EVM_XPUB', 'xpub123'],
    ['EVM_RPC_URL', 'ftp://node'],
    ['EVM_USDT_CONTRACT', '0x12'],
    ['EVM_CONFIRMATIONS', '0'],
    ['SOLANA_SEED', 'not hex at all, but long enough to pass'],
    ['UPI_PAYEE', 'nobody'],
    ['CHAIN_POLL_MS', '1'],
  ])('a wrong %s is refused and named', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: `));
  });

  test('the address of the node is a secret: it may hold a key', () => {
    const config = loadConfig({ ...required, EVM_RPC_URL: 'https://node.example/v2/secret-key' });
    expect(JSON.stringify(config)).not.toContain('secret-key');
  });
});
