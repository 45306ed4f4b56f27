import { loadConfig } from '../../config';
import { configuredSenders } from '.';

const key = Buffer.alloc(32, 1).toString('base64');
const needed = {
  DATABASE_URL: 'postgres://localhost/settlement',
  INTERNAL_TOKEN: 'a token that services share among them',
  LEDGER_URL: 'http://localhost:1',
  SECRETS_KEY: key,
  PERSONAL_DATA_KEY: key,
};
const nodes = {
  EVM_RPC_URL: 'http://localhost:1',
  BITCOIN_ESPLORA_URL: 'http://localhost:1',
  BITCOIN_NETWORK: 'regtest',
  TRON_API_URL: 'http://localhost:1',
  TRON_USDT_CONTRACT: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
  SOLANA_RPC_URL: 'http://localhost:1',
  SOLANA_CLUSTER: 'devnet',
};

describe('the chains that settings name', () => {
  test('are none without nodes', () => {
    expect(configuredSenders(loadConfig(needed))).toEqual([]);
  });

  test('know what they send before they are started, and addresses afterwards', async () => {
    const chains = configuredSenders(loadConfig({ ...needed, ...nodes }));
    expect(chains.map(({ chain, assets }) => `${chain}: ${assets.join()}`)).toEqual([
      'evm-31337: ETH',
      'bitcoin-regtest: BTC',
      'tron-mainnet: TRX,USDT_TRC20',
      'solana-devnet: SOL',
    ]);
    for (const { start } of chains) await start?.();
    const [, bitcoin, tron, solana] = chains;
    const shouted = 'BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080';
    expect(bitcoin!.canonical(shouted)).toBe(shouted.toLowerCase());
    expect(bitcoin!.canonical('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')).toBeUndefined();
    expect(tron!.canonical('41a614f803b6fd780986a42c78ec9c7f77e6ded13c')).toBe('TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t');
    expect(tron!.canonical('TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u')).toBeUndefined();
    const [onCurve, offCurve] = ['9EUbiehkEcMrf51tcCXbyQBDJf4sVMZ7jmwQQJXpfEP', '11111111111111111111111111111112'];
    expect(solana!.canonical(onCurve)).toBe(onCurve);
    expect(solana!.canonical(offCurve)).toBeUndefined();
  });

  test('a fee above nothing is needed as a cap', () => {
    for (const name of ['BITCOIN_FEE_MAX', 'TRON_FEE_MAX', 'SOLANA_FEE_MAX'])
      for (const value of ['0', '-1', 'NaN', '1e3'])
        expect(() => loadConfig({ ...needed, [name]: value })).toThrow(name);
  });
});
