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
    ['EVM_NATIVE', 'BNB'],
    ['SOLANA_SEED', 'not hex at all, but long enough to pass'],
    ['UPI_PAYEE', 'nobody'],
    ['CHAIN_POLL_MS', '1'],
    ['EVM_WITNESS_URLS', 'https://a.example, ftp://b.example'],
    ['BITCOIN_NETWORK', 'litecoin'],
    ['BITCOIN_TIERS', '1=0'],
    ['BITCOIN_TIERS', '0.000000001=6'],
    ['TRON_USDT_CONTRACT', '41a614f803b6fd780986a42c78ec9c7f77e6ded13c'],
    ['CHAIN_WITNESSED_FROM', 'BTC=0.5,DOGE=1'],
    ['CHAIN_WITNESSED_FROM', 'BTC=1e3'],
  ])('a wrong %s is refused and named', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: `));
  });

  test('amounts are read exactly, by the scale of their asset', () => {
    const { BITCOIN_TIERS, CHAIN_WITNESSED_FROM } = loadConfig({
      ...required,
      BITCOIN_TIERS: '0.5=4, 10=12',
      CHAIN_WITNESSED_FROM: 'BTC=0.5,USDT_TRC20=1000',
    });
    expect(BITCOIN_TIERS).toEqual([
      { asset: 'BTC', amount: 50_000_000n, confirmations: 4 },
      { asset: 'BTC', amount: 1_000_000_000n, confirmations: 12 },
    ]);
    expect(CHAIN_WITNESSED_FROM).toEqual({ BTC: 50_000_000n, USDT_TRC20: 1_000_000_000n });
  });

  test.each([
    ['EVM_WITNESS_URLS', { EVM_RPC_URL: 'https://a.example/v2/one', EVM_WITNESS_URLS: 'https://A.example/v2/two' }],
    ['BITCOIN_WITNESS_URLS', { BITCOIN_WITNESS_URLS: 'https://b.example/api,https://b.example/api' }],
    ['TRON_WITNESS_URLS', { TRON_API_URL: 'https://c.example', TRON_WITNESS_URLS: 'https://c.example:443/' }],
    ['SOLANA_WITNESS_URLS', { SOLANA_RPC_URL: 'http://user:a@d.example', SOLANA_WITNESS_URLS: 'http://d.example' }],
  ])('%s: a node is no witness of itself', (name, env) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name}: `));
    expect(problems[0]).not.toContain('example');
  });

  test('nodes of one host under other ports are others', () => {
    expect(problemsOf({ EVM_RPC_URL: 'http://127.0.0.1:1', EVM_WITNESS_URLS: 'http://127.0.0.1:2' })).toEqual([]);
  });

  test('the address of the node is a secret: it may hold a key', () => {
    const url = 'https://node.example/v2/secret-key';
    const config = loadConfig({ ...required, EVM_RPC_URL: url, EVM_WITNESS_URLS: 'https://other.example/secret-key' });
    const shown = JSON.stringify(config, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
    expect(shown).not.toContain('secret-key');
  });
});
