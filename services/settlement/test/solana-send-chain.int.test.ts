import { describeSendChain } from './send-chain.contract';
import { solanaSendTestChain } from './solana-send-test-chain';

describeSendChain('Solana', solanaSendTestChain, { schedules: 10 });
