import type { Asked } from './lying-wire';
import { describeSendChain } from './send-chain.contract';
import { tronSendTestChain } from './tron-send-test-chain';

const isInfo = ({ path }: Asked) => path.endsWith('/gettransactioninfobyid');

describeSendChain('Tron', tronSendTestChain, {
  schedules: 20,
  mistold: [
    {
      what: 'nothing of its log',
      of: 'token',
      about: isInfo,
      answer: (told) => JSON.stringify({ ...JSON.parse(told), log: undefined }),
      refusal: 'comes without its log',
    },
    {
      what: 'nothing of its result',
      of: 'token',
      about: isInfo,
      answer(told) {
        const info = JSON.parse(told) as { readonly receipt: object };
        return JSON.stringify({ ...info, receipt: { ...info.receipt, result: undefined } });
      },
      refusal: 'comes without its result',
    },
  ],
});
