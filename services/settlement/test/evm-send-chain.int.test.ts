import { evmSendTestChain } from './evm-send-test-chain';
import { describeSendChain } from './send-chain.contract';

describeSendChain('EVM', evmSendTestChain, { schedules: 3 });
