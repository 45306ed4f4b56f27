import type { SendTerms, TakenSlot } from '../src/ports';
import { evmSendTestChain } from './evm-send-test-chain';
import { withResult, type Asked } from './lying-wire';
import { describeSendChain } from './send-chain.contract';

const isReceipt = ({ method }: Asked) => method === 'eth_getTransactionReceipt';

describeSendChain('EVM', evmSendTestChain, {
  schedules: 3,
  mistold: [
    {
      what: 'of another transaction than was asked for',
      of: 'coin',
      about: isReceipt,
      answer: (told, transactionId) => told.replace(transactionId, `0x${'ab'.repeat(32)}`),
      refusal: 'asked for the receipt of',
    },
    {
      what: 'nothing of its log',
      of: 'token',
      about: isReceipt,
      answer(told) {
        const { result, ...more } = JSON.parse(told) as { readonly result: object };
        return JSON.stringify({ ...more, result: { ...result, logs: [] } });
      },
      refusal: 'comes without its log',
    },
  ],
});

test('a node whose final state is behind what was final prepares nothing', async () => {
  const chain = await evmSendTestChain();
  try {
    const sends = await chain.connect();
    const terms = async (sendId: string): Promise<SendTerms> => {
      const toAddress = await chain.newAddress();
      return { sendId, asset: 'ETH', amount: chain.amount, toAddress, useContract: false, feeCap: null };
    };
    const first = await terms('first');
    const preparing = await sends.prepare(first, chain.wallet, []);
    if (!preparing.ok) throw new Error(preparing.refusal);
    const { slot, transaction } = preparing.prepared;
    await sends.broadcast((await chain.sign(first.sendId, transaction)).bytes);
    const past: readonly TakenSlot[] = [{ slot, spends: [], past: true }];
    // Included, and one block short of final.
    await chain.mine(chain.finality - 1);
    const second = await terms('second');
    await expect(sends.prepare(second, chain.wallet, past)).rejects.toThrow('is final no more');
    await chain.mine(1);
    const isOfFinal = (body: string) => body.includes('eth_getTransactionCount') && !body.includes('"latest"');
    chain.wire.lie(({ body }) => isOfFinal(body), withResult('0x0'));
    await expect(sends.prepare(second, chain.wallet, past)).rejects.toThrow('is final no more');
    chain.wire.honest();
    expect(await sends.prepare(second, chain.wallet, past)).toMatchObject({
      ok: true,
      prepared: { slot: { nonce: 1 } },
    });
  } finally {
    await chain.stop();
  }
});
