import { bitcoinSendTestChain } from './bitcoin-send-test-chain';
import { describeSendChain } from './send-chain.contract';

describeSendChain('Bitcoin through bitcoind', () => bitcoinSendTestChain('bitcoind'), { schedules: 3 });
describeSendChain('Bitcoin through Esplora', () => bitcoinSendTestChain('esplora'), { schedules: 1 });
