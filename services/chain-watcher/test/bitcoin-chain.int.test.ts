import { bitcoinTestChain } from './bitcoin-test-chain';
import { describeChain } from './chain.contract';

const cannot = {
  token: 'Bitcoin has one asset',
  failed: 'a transaction that fails is in no block',
  lookAlike: 'Bitcoin has one asset',
  withFee: 'Bitcoin has one asset',
};
describeChain('Bitcoin through bitcoind', () => bitcoinTestChain('bitcoind'), { cannot, schedules: 3 });
describeChain('Bitcoin through Esplora', () => bitcoinTestChain('esplora'), { cannot, schedules: 3 });
