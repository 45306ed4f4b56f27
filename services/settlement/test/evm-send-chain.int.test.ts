import type { SendTerms, SlotStatus, TakenSlot } from '../src/ports';
import { evmSendTestChain } from './evm-send-test-chain';
import { withResult } from './lying-wire';
import { describeSendChain } from './send-chain.contract';
import type { SendTestChain } from './send-test-chain';

describeSendChain('EVM', evmSendTestChain, { schedules: 3 });

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

type Ended = {
  readonly chain: SendTestChain;
  readonly transactionId: string;
  readonly status: () => Promise<SlotStatus>;
};

/** What is told of a payment that is final. */
async function ended(asset: 'ETH' | 'USDT_ERC20', look: (told: Ended) => Promise<void>): Promise<void> {
  const chain = await evmSendTestChain();
  try {
    const sends = await chain.connect();
    const amount = asset === 'ETH' ? chain.amount : chain.token!.amount;
    const toAddress = await chain.newAddress();
    const terms = { sendId: 's', asset, amount, toAddress, useContract: false, feeCap: null };
    const preparing = await sends.prepare(terms, chain.wallet, []);
    if (!preparing.ok) throw new Error(preparing.refusal);
    const { slot, transaction } = preparing.prepared;
    const { transactionId, bytes } = await chain.sign(terms.sendId, transaction);
    await sends.broadcast(bytes);
    await chain.mine(chain.finality);
    const status = () => sends.statusOf(slot, chain.wallet, [transactionId]);
    await look({ chain, transactionId, status });
    chain.wire.honest();
    expect(await status()).toMatchObject({ type: 'included', transactionId, final: true, succeeded: true });
  } finally {
    await chain.stop();
  }
}
const isReceipt = ({ method }: { readonly method: string | undefined }) => method === 'eth_getTransactionReceipt';

test('a receipt of another transaction than was asked for says nothing', async () => {
  await ended('ETH', async ({ chain, transactionId, status }) => {
    chain.wire.lie(isReceipt, (answer) => answer.replace(transactionId, `0x${'ab'.repeat(32)}`));
    await expect(status()).rejects.toThrow('asked for the receipt of');
  });
});

test('a payment of a token is not taken for a failure by a node that leaves out its log', async () => {
  await ended('USDT_ERC20', async ({ chain, status }) => {
    chain.wire.lie(isReceipt, (answer) => {
      const told = JSON.parse(answer) as { readonly result: object };
      return JSON.stringify({ ...told, result: { ...told.result, logs: [] } });
    });
    await expect(status()).rejects.toThrow('comes without its log');
  });
});
