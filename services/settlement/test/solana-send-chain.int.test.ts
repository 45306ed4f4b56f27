import { describeSendChain } from './send-chain.contract';
import { solanaSendTestChain } from './solana-send-test-chain';

describeSendChain('Solana', solanaSendTestChain, { schedules: 10 });

test('another transaction than was asked for says nothing', async () => {
  const chain = await solanaSendTestChain();
  try {
    const sends = await chain.connect();
    const toAddress = await chain.newAddress();
    const { amount, wallet } = chain;
    const terms = { sendId: 's', asset: 'SOL', amount, toAddress, useContract: false, feeCap: null } as const;
    const preparing = await sends.prepare(terms, wallet, []);
    if (!preparing.ok) throw new Error(preparing.refusal);
    const { slot, transaction } = preparing.prepared;
    const { transactionId, bytes } = await chain.sign(terms.sendId, transaction);
    await sends.broadcast(bytes);
    await chain.mine(chain.finality);
    chain.wire.lie(
      ({ method }) => method === 'getTransaction',
      (answer) => answer.replaceAll(transactionId, 'another'),
    );
    await expect(sends.statusOf(slot, wallet, [transactionId])).rejects.toThrow('was given another');
    chain.wire.honest();
    expect(await sends.statusOf(slot, wallet, [transactionId])).toMatchObject({ type: 'included', transactionId });
  } finally {
    await chain.stop();
  }
});
