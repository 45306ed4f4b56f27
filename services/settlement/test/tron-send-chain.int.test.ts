import { describeSendChain } from './send-chain.contract';
import { tronSendTestChain } from './tron-send-test-chain';

describeSendChain('Tron', tronSendTestChain, { schedules: 20 });

test.each<[string, (info: { readonly receipt: object }) => object]>([
  ['its log', (info) => ({ ...info, log: undefined })],
  ['its result', (info) => ({ ...info, receipt: { ...info.receipt, result: undefined } })],
])('a payment of a token is not taken for a failure by a node that leaves out %s', async (what, left) => {
  const chain = await tronSendTestChain();
  try {
    const sends = await chain.connect();
    const { asset, amount } = chain.token!;
    const toAddress = await chain.newAddress();
    const terms = { sendId: 's', asset, amount, toAddress, useContract: false, feeCap: null };
    const preparing = await sends.prepare(terms, chain.wallet, []);
    if (!preparing.ok) throw new Error(preparing.refusal);
    const { slot, transaction } = preparing.prepared;
    const { transactionId, bytes } = await chain.sign(terms.sendId, transaction);
    await sends.broadcast(bytes);
    await chain.mine(chain.finality + 1);
    const status = () => sends.statusOf(slot, chain.wallet, [transactionId]);
    chain.wire.lie(
      ({ path }) => path.endsWith('/gettransactioninfobyid'),
      (answer) => JSON.stringify(left(JSON.parse(answer) as { readonly receipt: object })),
    );
    await expect(status()).rejects.toThrow(`comes without ${what}`);
    chain.wire.honest();
    expect(await status()).toMatchObject({ type: 'included', final: true, succeeded: true });
  } finally {
    await chain.stop();
  }
});
