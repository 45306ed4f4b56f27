import { describeSendChain } from './send-chain.contract';
import { tronSendTestChain } from './tron-send-test-chain';

describeSendChain('Tron', tronSendTestChain, { schedules: 20 });
