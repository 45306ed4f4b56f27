import { describeSendChain } from './send-chain.contract';
import { solanaSendTestChain } from './solana-send-test-chain';

describeSendChain('Solana', solanaSendTestChain, {
  schedules: 10,
  mistold: [
    {
      what: 'of another transaction than was asked for',
      of: 'coin',
      about: ({ method }) => method === 'getTransaction',
      answer: (told, transactionId) => told.replaceAll(transactionId, 'another'),
      refusal: 'was given another',
    },
  ],
});
